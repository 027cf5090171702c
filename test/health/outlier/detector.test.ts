import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endpoint } from '../../support/balancing.js'
import { startMonitor } from '../support.js'

const endpoints = (count: number) => Array.from({ length: count }, (_, i) => endpoint(i + 1))
const options = { outlierDetection: true }

/** A service config with outlier detection around round robin. */
const config = (fields: object) => ({
  loadBalancingConfig: [{ outlier_detection_experimental: { ...fields, childPolicy: [{ round_robin: {} }] } }],
})

describe('consecutive failures', () => {
  it('take an endpoint out at once, at the fifth in a row', async () => {
    const [a, b, c] = endpoints(3)
    const { balancer, clock, changes, end } = startMonitor(options, [a!, b!, c!])
    end(b!, false, 4)
    end(b!, true)
    end(b!, false, 4)
    end(b!, undefined, 10)
    expect(changes).toEqual([])
    end(b!, false)
    await clock.advance(10)
    expect(balancer.status().upstreams.map(({ verdict }) => verdict)).toEqual(['ready', 'ejected', 'ready'])
    expect(changes).toEqual([
      { kind: 'endpoint', address: b!.address, health: 'ejected', reason: '5 failures in a row' },
    ])
  })

  it('take it out for longer each time, and less so after a time without', async () => {
    const [a, b, c] = endpoints(3)
    const { clock, changes, end } = startMonitor(options, [a!, b!, c!])
    const fail = () => end(b!, false, 5)
    const healths = () => changes.map((change) => change.kind === 'endpoint' && change.health)

    fail()
    await clock.advance(29_900)
    expect(healths()).toEqual(['ejected'])
    await clock.advance(200)
    expect(healths()).toEqual(['ejected', 'healthy'])

    fail()
    await clock.advance(59_000)
    expect(healths()).toHaveLength(3)
    await clock.advance(11_000)
    expect(healths()).toEqual(['ejected', 'healthy', 'ejected', 'healthy'])

    await clock.advance(30_000)
    fail()
    await clock.advance(41_000)
    expect(healths()).toHaveLength(6)
  })

  it('never take it out for longer than the longest time', async () => {
    const [a, b, c] = endpoints(3)
    const rules = config({ interval: '1s', baseEjectionTime: '10s', maxEjectionTime: '15s' })
    const { clock, changes, end } = startMonitor(options, [a!, b!, c!], rules)
    for (let i = 1; i <= 5; i++) {
      end(b!, false, 5)
      await clock.advance(i === 1 ? 11_000 : 16_000)
      expect(changes).toHaveLength(2 * i)
    }
  })

  it('can be switched off for a service, or altogether', () => {
    const [a, b] = endpoints(2)
    const off = startMonitor(options, [a!, b!], config({ consecutiveFailures: 0 }))
    off.end(a!, false, 100)
    expect(off.changes).toEqual([])
    const none = startMonitor({ outlierDetection: false }, [a!, b!])
    none.end(a!, false, 100)
    expect(none.changes).toEqual([])
    expect(none.clock.pending).toBe(1)
  })
})

describe('the cap', () => {
  it('lets a tenth of the service be out', () => {
    const all = endpoints(30)
    const { changes, end } = startMonitor(options, all)
    for (const each of all) end(each, false, 5)
    expect(changes).toHaveLength(3)
  })

  it('lets one be out however few there are', () => {
    const all = endpoints(4)
    const { changes, end } = startMonitor(options, all)
    for (const each of all) end(each, false, 5)
    expect(changes).toHaveLength(1)
  })

  it('of nothing lets nobody be out', () => {
    const all = endpoints(4)
    const { changes, end } = startMonitor(options, all, config({ maxEjectionPercent: 0 }))
    for (const each of all) end(each, false, 5)
    expect(changes).toEqual([])
  })

  it('spares the only endpoint', () => {
    const { changes, end } = startMonitor(options, endpoints(1))
    end(endpoint(1), false, 50)
    expect(changes).toEqual([])
  })

  it('counts those that are still there', () => {
    const all = endpoints(5)
    const { changes, end, update } = startMonitor(options, all)
    end(all[0]!, false, 5)
    end(all[1]!, false, 5)
    expect(changes).toHaveLength(1)
    update(all.slice(1))
    end(all[1]!, false, 5)
    expect(changes).toHaveLength(2)
  })
})

describe('success rate', () => {
  it('takes out who is far below the others, at the end of the interval', async () => {
    const all = endpoints(10)
    const { clock, changes, end } = startMonitor(options, all)
    for (const each of all.slice(1)) end(each, true, 100)
    const mix = () => {
      end(all[0]!, true, 3)
      end(all[0]!, false, 2)
    }
    for (let i = 0; i < 20; i++) mix()
    expect(changes).toEqual([])
    await clock.advance(10_000)
    // Mean 0.96, deviation 0.12, so 0.732 is expected.
    const reason = '60.0 % of its requests succeeded, less than the 73.2 % that others let expect'
    expect(changes).toEqual([{ kind: 'endpoint', address: all[0]!.address, health: 'ejected', reason }])
    await clock.advance(30_000)
    expect(changes).toHaveLength(2)
  })

  it('says nothing of an interval with few requests', async () => {
    const all = endpoints(10)
    const { clock, changes, end } = startMonitor(options, all)
    for (const each of all) end(each, each !== all[0], 99)
    const ejected = changes.length
    for (let i = 0; i < 3; i++) await clock.advance(10_000)
    expect(ejected).toBe(1)
    expect(changes[0]).toMatchObject({ reason: '5 failures in a row' })
    expect(changes).toHaveLength(2)
  })
})

describe('failure percentage', () => {
  const rules = (fields: object) =>
    config({ interval: '5s', consecutiveFailures: 0, failurePercentageEjection: { threshold: 50, ...fields } })

  it('takes out who fails more than is allowed, as far as the cap lets it', async () => {
    const all = endpoints(5)
    const { clock, changes, end } = startMonitor(options, all, rules({}))
    for (const each of all) end(each, false, 25)
    for (const each of all.slice(2)) end(each, true, 25)
    for (const each of all.slice(0, 2)) end(each, false, 25)
    await clock.advance(5000)
    expect(changes).toEqual([
      { kind: 'endpoint', address: all[0]!.address, health: 'ejected', reason: '100.0 % of its requests failed' },
    ])
  })

  it('spares outliers by chance where asked for', async () => {
    const all = endpoints(5)
    const { clock, changes, end } = startMonitor(options, all, rules({ enforcementPercentage: 0 }))
    for (const each of all) end(each, false, 60)
    await clock.advance(5000)
    expect(changes).toEqual([])
  })
})

it('holds to the cap and lets everybody in again, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 25 }), fc.infiniteStream(fc.nat()), async (count, chance) => {
      const next = (below: number) => chance.next().value! % below
      const all = endpoints(count)
      const { clock, end, update, upstreamOf, monitor } = startMonitor(options, all, config({ maxEjectionPercent: 30 }))
      let present = all
      const ejected = () => present.filter((each) => upstreamOf(each).fault === 'ejected').length
      for (let step = 0; step < 60; step++) {
        const before = ejected()
        end(present[next(present.length)]!, next(3) === 0, 1 + next(7))
        // Without the last one before the cap was reached, the share was below it.
        if (ejected() > before) expect((ejected() - 1) * 100).toBeLessThan(present.length * 30)
        if (next(8) === 0) update((present = all.filter((each) => each === all[0] || next(5) > 0)))
        if (next(4) === 0) await clock.advance(next(20_000))
      }
      for (const each of present) end(each, true, 1)
      await clock.advance(400_000)
      expect(ejected()).toBe(0)
      monitor.close()
    }),
    { numRuns: 30 },
  )
})

it('blames nobody for a stall of this process', async () => {
  const all = endpoints(10)
  const { clock, changes, end } = startMonitor(options, all)
  await clock.advance(1000)
  clock.jump(2000)
  for (const each of all) end(each, false, 200)
  await clock.advance(100)
  for (const each of all) end(each, false, 200)
  expect(changes).toEqual([])
  await clock.advance(20_000)
  expect(changes).toEqual([])
  end(all[0]!, false, 5)
  expect(changes).toHaveLength(1)
})

it('brings back who is out when it is switched off', () => {
  const all = endpoints(3)
  const { changes, end, monitor, upstreamOf } = startMonitor(options, all)
  end(all[0]!, false, 5)
  monitor.reconfigure({ outlierDetection: false })
  expect(upstreamOf(all[0]!).fault).toBeUndefined()
  end(all[0]!, false, 5)
  monitor.reconfigure(options)
  end(all[0]!, false, 5)
  expect(changes.map((change) => change.kind === 'endpoint' && change.health)).toEqual([
    'ejected',
    'healthy',
    'ejected',
  ])
})

it('leaves no timer behind', () => {
  const { clock, monitor, update } = startMonitor(options, endpoints(3))
  update([])
  const idle = clock.pending
  update(endpoints(3))
  expect(clock.pending).toBe(idle + 1)
  monitor.close()
  expect(clock.pending).toBe(idle)
})
