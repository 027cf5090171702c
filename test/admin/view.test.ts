import { describe, expect, it } from 'vitest'
import { viewListener as viewInParts } from '../../src/core/admin/proxy/view.js'
import { endpointReading, latencies, listenerReading } from '../support/readings.js'

function viewListener(...args: Parameters<typeof viewInParts>) {
  const { head, endpoints } = viewInParts(...args)
  return { ...head, endpoints: [...endpoints] }
}

describe('the view of a listener', () => {
  const before = listenerReading([
    endpointReading('a', { picks: 100, succeeded: 90, failed: 0, latency: latencies(6400) }),
    endpointReading('b', { picks: 50, succeeded: 50, failed: 0 }),
  ])
  const now = listenerReading([
    endpointReading('a', {
      picks: 400,
      succeeded: 360,
      failed: 30,
      inFlight: 7,
      latency: latencies(6400, 64, 64, 128),
    }),
    endpointReading('b', { picks: 150, succeeded: 150, failed: 0, inFlight: 2 }),
  ])

  it('works out rates, shares, success and latencies of what happened in between', () => {
    const view = viewListener(now, before, 5000)
    expect(view).toMatchObject({ ratePerSecond: 80, successRate: 0.925, inFlight: 9, eligible: 2, total: 2 })
    const [a, b] = view.endpoints
    expect(a).toMatchObject({ ratePerSecond: 60, share: 0.75, successRate: 0.9, inFlight: 7, picks: 400 })
    expect(a!.p50Ms).toBeCloseTo(1, 1)
    expect(a!.p99Ms! / 2).toBeCloseTo(1, 1)
    expect(b).toMatchObject({ ratePerSecond: 20, share: 0.25, successRate: 1, p50Ms: null, p99Ms: null })
    expect(view.p50Ms).toBe(a!.p50Ms)
  })

  it('takes everything so far where there is nothing to compare with, and for endpoints that are new', () => {
    expect(viewListener(now, undefined, 1000)).toMatchObject({ ratePerSecond: 550 })
    const joined = listenerReading([...now.endpoints, endpointReading('c', { picks: 25 })])
    expect(viewListener(joined, now, 1000).endpoints[2]).toMatchObject({ share: 1, ratePerSecond: 25 })
  })

  it('starts anew with counters that did', () => {
    const [a] = viewListener(before, now, 1000).endpoints
    expect(a).toMatchObject({ ratePerSecond: 100, successRate: 1 })
  })

  it('says nothing about what nothing is known of', () => {
    const idle = viewListener(now, now, 1000)
    expect(idle).toMatchObject({ ratePerSecond: 0, successRate: null, p50Ms: null, p95Ms: null, p99Ms: null })
    expect(idle.endpoints[0]).toMatchObject({ share: 0, ewmaMs: null, slowStart: null, zone: null })
    expect(viewListener(now, before, 0).ratePerSecond).toBe(0)
  })

  it('tells why an endpoint takes no traffic, and counts those that do', () => {
    const ejected = { health: 'ejected', verdict: 'ejected', healthReason: '5 failures in a row' } as const
    const view = viewListener(
      listenerReading([
        endpointReading('a', ejected),
        endpointReading('b', { state: 'drain', verdict: 'drain' }),
        endpointReading('c', { state: 'gone', verdict: 'gone' }),
        endpointReading('d', { role: 'balancer', verdict: 'balancer' }),
        endpointReading('e'),
      ]),
      undefined,
      1000,
    )
    expect(view).toMatchObject({ eligible: 1, total: 3 })
    const told = view.endpoints.map(({ eligible, reason }) => [eligible, reason])
    expect(told).toEqual([
      [false, 'taken out for a while because its requests fail (5 failures in a row)'],
      [false, 'draining: finishes what it has, gets nothing new'],
      [false, 'no longer in the service; finishes what it has'],
      [false, 'a lookaside balancer, not a server'],
      [true, 'ready'],
    ])
  })

  it.each([
    [
      { revision: undefined, changedAt: undefined, stale: undefined },
      { state: 'unknown', revision: null, staleMs: 0 },
    ],
    [
      { revision: '7', changedAt: 1000, stale: undefined },
      { state: 'live', changedAt: '1970-01-01T00:00:01.000Z' },
    ],
    [
      { revision: '7', changedAt: 1000, stale: { reason: 'no answer', forMs: 1234.5 } },
      { state: 'stale', revision: '7', staleMs: 1235, reason: 'no answer' },
    ],
  ])('says how old what is known of the service is: %j', (registry, expected) => {
    expect(viewListener(listenerReading([], { registry }), undefined, 1).registry).toMatchObject(expected)
  })
})
