import { describe, expect, it } from 'vitest'
import { mergeReadings } from '../../../src/core/proxy/workers/readings.js'
import { endpointReading, latencies, listenerReading } from '../../support/readings.js'

describe('readings of several processes', () => {
  it('add up counters and latencies, listener by listener and endpoint by endpoint', () => {
    const [merged, ...others] = mergeReadings([
      [listenerReading([endpointReading('a', { latency: latencies(64, 64) }), endpointReading('b')])],
      [listenerReading([endpointReading('a', { latency: latencies(64, 900), picks: 5 })])],
    ])
    expect(others).toEqual([])
    expect(merged!.ejections).toBe(2)
    expect(merged!.departedLatency).toEqual(latencies(1, 1))
    expect(merged!.endpoints.map(({ address }) => address)).toEqual(['a', 'b'])
    const [a, b] = merged!.endpoints
    expect(a).toMatchObject({
      picks: 6,
      inFlight: 2,
      succeeded: 2,
      failed: 2,
      requests: 2,
      weight: 3,
      expectedShare: 0.5,
    })
    expect(a!.latency).toEqual(latencies(64, 64, 64, 900))
    expect(b).toEqual(endpointReading('b'))
  })

  it('show what is wrong with an endpoint anywhere, since when it first was, and in how many processes', () => {
    const ejected = { health: 'ejected', verdict: 'ejected', healthReason: 'why', faultyWorkers: 1 } as const
    const [merged] = mergeReadings([
      [listenerReading([endpointReading('a')])],
      [listenerReading([endpointReading('a', { ...ejected, healthSince: 70, expectedShare: 0, ejections: 1 })])],
      [listenerReading([endpointReading('a', { ...ejected, healthSince: 50, expectedShare: 0.1, ejections: 2 })])],
    ])
    expect(merged!.endpoints[0]).toMatchObject({ ...ejected, healthSince: 50, faultyWorkers: 2, ejections: 3 })
    expect(merged!.endpoints[0]!.expectedShare).toBeCloseTo(0.2)
  })

  it('average what is no count, over the processes that know it', () => {
    const [merged] = mergeReadings([
      [listenerReading([endpointReading('a', { ewmaMs: 2, slowStart: 0.5, effectiveWeight: 4 })])],
      [listenerReading([endpointReading('a', { ewmaMs: 6, effectiveWeight: 2 })])],
      [listenerReading([endpointReading('a')])],
    ])
    expect(merged!.endpoints[0]!.ewmaMs).toBe(4)
    expect(merged!.endpoints[0]!.effectiveWeight).toBe(3)
    expect(merged!.endpoints[0]!.slowStart).toBeCloseTo(5 / 6)
  })

  it('go by the newest revision that any has heard of', () => {
    const at = (revision: string | undefined) =>
      listenerReading([], { registry: { revision, changedAt: 1, stale: undefined } })
    const revision = (...all: (string | undefined)[]) =>
      mergeReadings(all.map((each) => [at(each)]))[0]!.registry.revision
    expect(revision('9', '10', undefined)).toBe('10')
    expect(revision(undefined, '3')).toBe('3')
  })
})
