import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../../src/core/proxy/latency-histogram.js'
import { ListenerMeter } from '../../../src/core/proxy/meters.js'
import type { EndpointReading, ListenerReading } from '../../../src/core/proxy/reading.js'
import { mergeReadings } from '../../../src/core/proxy/workers/readings.js'

const latencies = (...units: number[]) => {
  const histogram = new LatencyHistogram()
  for (const each of units) histogram.record(each)
  return histogram.read()
}

const endpoint = (address: string, rest: Partial<EndpointReading> = {}): EndpointReading => ({
  ...{ address, id: address, zone: undefined, role: 'server', meta: {}, weight: 3, effectiveWeight: 3, state: 'ready' },
  ...{ health: 'healthy', verdict: 'ready', stateSince: 10, healthSince: 10, healthReason: '', faultyWorkers: 0 },
  ...{ total: 1, active: 1, connectFailures: 1, bytesSent: 1, bytesReceived: 1 },
  ...{ requests: 1, requestsActive: 1, requestsFailed: 1, picks: 1, inFlight: 1, succeeded: 1, failed: 1 },
  ...{ slowStart: undefined, expectedShare: 0.5, ewmaMs: undefined, ejections: 0, latency: latencies() },
  ...rest,
})

const listener = (endpoints: EndpointReading[], rest: Partial<ListenerReading> = {}): ListenerReading => ({
  ...{ listen: 'tcp://127.0.0.1:1', service: 'web', policy: 'round_robin', stale: false, panic: false },
  ...{ source: 'registry', configError: undefined, ejections: 1, departedLatency: latencies(1) },
  registry: { revision: '9', changedAt: 1, stale: undefined },
  ...new ListenerMeter().read(undefined),
  endpoints,
  ...rest,
})

describe('readings of several processes', () => {
  it('add up counters and latencies, listener by listener and endpoint by endpoint', () => {
    const [merged, ...others] = mergeReadings([
      [listener([endpoint('a', { latency: latencies(64, 64) }), endpoint('b')])],
      [listener([endpoint('a', { latency: latencies(64, 900), picks: 5 })])],
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
    expect(b).toEqual(endpoint('b'))
  })

  it('show what is wrong with an endpoint anywhere, since when it first was, and in how many processes', () => {
    const ejected = { health: 'ejected', verdict: 'ejected', healthReason: 'why', faultyWorkers: 1 } as const
    const [merged] = mergeReadings([
      [listener([endpoint('a')])],
      [listener([endpoint('a', { ...ejected, healthSince: 70, expectedShare: 0, ejections: 1 })])],
      [listener([endpoint('a', { ...ejected, healthSince: 50, expectedShare: 0.1, ejections: 2 })])],
    ])
    expect(merged!.endpoints[0]).toMatchObject({ ...ejected, healthSince: 50, faultyWorkers: 2, ejections: 3 })
    expect(merged!.endpoints[0]!.expectedShare).toBeCloseTo(0.2)
  })

  it('average what is no count, over the processes that know it', () => {
    const [merged] = mergeReadings([
      [listener([endpoint('a', { ewmaMs: 2, slowStart: 0.5, effectiveWeight: 4 })])],
      [listener([endpoint('a', { ewmaMs: 6, effectiveWeight: 2 })])],
      [listener([endpoint('a')])],
    ])
    expect(merged!.endpoints[0]!.ewmaMs).toBe(4)
    expect(merged!.endpoints[0]!.effectiveWeight).toBe(3)
    expect(merged!.endpoints[0]!.slowStart).toBeCloseTo(5 / 6)
  })

  it('go by the newest revision that any has heard of', () => {
    const at = (revision: string | undefined) =>
      listener([], { registry: { revision, changedAt: 1, stale: undefined } })
    const revision = (...all: (string | undefined)[]) =>
      mergeReadings(all.map((each) => [at(each)]))[0]!.registry.revision
    expect(revision('9', '10', undefined)).toBe('10')
    expect(revision(undefined, '3')).toBe('3')
  })
})
