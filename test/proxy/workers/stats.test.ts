import { expect, it } from 'vitest'
import { ListenerMeter, type ListenerStats } from '../../../src/core/proxy/meters.js'
import { mergeStats } from '../../../src/core/proxy/workers/stats.js'

const stats = (listen: string, count: number, endpoints: Record<string, number>, stale = false): ListenerStats => {
  const meter = new ListenerMeter()
  meter.total = count
  meter.retries = 1
  for (const [address, total] of Object.entries(endpoints)) meter.endpoint(address).total = total
  const read = meter.read(undefined)
  const weighted = read.endpoints.map((endpoint) => ({ ...endpoint, weight: 3 }))
  return { listen, service: 'web', policy: 'round_robin', stale, panic: false, ...read, endpoints: weighted }
}

it('adds up what listeners and endpoints counted, and nothing else', () => {
  const merged = mergeStats([
    [stats('a', 5, { x: 3, y: 2 }), stats('b', 1, {})],
    [stats('b', 10, {}), stats('a', 7, { y: 4, z: 3 }, true)],
  ])
  expect(merged).toMatchObject([
    {
      listen: 'a',
      policy: 'round_robin',
      stale: true,
      connections: { total: 12, active: 0 },
      retries: 2,
      endpoints: [
        { address: 'x', weight: 3, total: 3 },
        { address: 'y', weight: 3, total: 6 },
        { address: 'z', weight: 3, total: 3 },
      ],
    },
    { listen: 'b', stale: false, connections: { total: 11 } },
  ])
})

it('is nothing of nothing', () => {
  expect(mergeStats([])).toEqual([])
})
