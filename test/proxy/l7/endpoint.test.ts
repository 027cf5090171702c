import { describe, expect, it } from 'vitest'
import { parseStaticEndpoints } from '../../../src/core/discovery/static-resolver.js'
import { HttpEndpoint } from '../../../src/core/proxy/l7/endpoint.js'
import type { PoolContext } from '../../../src/core/proxy/l7/upstream-pool.js'
import { EndpointMeter } from '../../../src/core/proxy/meters.js'
import { Ticker } from '../../../src/core/proxy/ticker.js'
import { ManualClock } from '../../support/manual-clock.js'

function start(meta: Record<string, string> = {}) {
  const clock = new ManualClock()
  const ticker = new Ticker(clock)
  // Time runs only while there is something to watch.
  ticker.watch({ deadline: Infinity, expire() {} })
  const told: string[] = []
  const context = { ticker, tellMismatch: (_: string, reason: string) => void told.push(reason) }
  const record = { ...parseStaticEndpoints('10.0.0.1:80')[0]!, id: 'a', meta }
  const endpoint = new HttpEndpoint(record, new EndpointMeter(record.address), context as unknown as PoolContext)
  const h1 = () => endpoint.pool('h1', true, false)
  /** What it is spoken to for a client of HTTP/1.1 and one of HTTP/2. */
  const spoken = () =>
    (['h1', 'h2'] as const).map((protocol) => (endpoint.pool(protocol, false, false) === h1() ? 'h1' : 'h2'))
  return { clock, endpoint, record, spoken, told, h1 }
}

describe('what is spoken to an endpoint', () => {
  it('is what the client speaks, until the endpoint shows that it does not', () => {
    const { endpoint, spoken, told } = start()
    expect(spoken()).toEqual(['h1', 'h2'])
    for (let i = 0; i < 2; i++) expect(endpoint.mismatched('h2', true, 'text')).toBe(false)
    expect([spoken(), told.length]).toEqual([['h1', 'h1'], 1])
    endpoint.mismatched('h1', true, 'SETTINGS')
    expect([spoken(), told.length]).toEqual([['h2', 'h2'], 2])
  })

  it('is HTTP/2 for gRPC calls all the same, and HTTP/1.1 for upgrades', () => {
    const { endpoint, h1 } = start()
    endpoint.mismatched('h2', true, 'text')
    expect(endpoint.pool('h2', false, true)).not.toBe(h1())
    endpoint.mismatched('h1', true, 'SETTINGS')
    expect(endpoint.pool('h1', true, false)).not.toBe(endpoint.pool('h1', false, false))
  })

  it('is tried again after five minutes, when the endpoint was away, and with another instance', async () => {
    const { clock, endpoint, record, spoken } = start()
    endpoint.mismatched('h2', true, 'text')
    await clock.advance(299_000)
    expect(spoken()).toEqual(['h1', 'h1'])
    await clock.advance(2_000)
    expect(spoken()).toEqual(['h1', 'h2'])
    endpoint.mismatched('h2', false, 'closed')
    endpoint.unreachable()
    expect(spoken()).toEqual(['h1', 'h2'])
    endpoint.mismatched('h2', true, 'text')
    endpoint.replace({ ...record })
    expect(spoken()).toEqual(['h1', 'h1'])
    endpoint.replace({ ...record, id: 'b' })
    expect(spoken()).toEqual(['h1', 'h2'])
  })

  it('is what its metadata says, whatever it shows', () => {
    const { endpoint, spoken, told } = start({ protocol: 'grpc' })
    expect(endpoint.mismatched('h2', true, 'text')).toBe(true)
    expect([spoken(), told]).toEqual([['h2', 'h2'], ['text, whatever its metadata says (protocol=h2)']])
  })
})
