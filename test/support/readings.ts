import { LatencyHistogram, type LatencyReading } from '../../src/core/proxy/latency-histogram.js'
import { ListenerMeter } from '../../src/core/proxy/meters.js'
import type { EndpointReading, ListenerReading } from '../../src/core/proxy/reading.js'

/** Latencies of so many units (1/64 ms) each. */
export function latencies(...units: number[]): LatencyReading {
  const histogram = new LatencyHistogram()
  for (const each of units) histogram.record(each)
  return histogram.read()
}

/** A healthy endpoint of which every counter is 1. */
export function endpointReading(address: string, rest: Partial<EndpointReading> = {}): EndpointReading {
  return {
    ...{
      address,
      id: address,
      zone: undefined,
      role: 'server',
      meta: {},
      weight: 3,
      effectiveWeight: 3,
      state: 'ready',
    },
    ...{ health: 'healthy', verdict: 'ready', stateSince: 10, healthSince: 10, healthReason: '', faultyWorkers: 0 },
    ...{ total: 1, active: 1, connectFailures: 1, bytesSent: 1, bytesReceived: 1 },
    ...{ requests: 1, requestsActive: 1, requestsFailed: 1, picks: 1, inFlight: 1, succeeded: 1, failed: 1 },
    ...{ slowStart: undefined, expectedShare: 0.5, ewmaMs: undefined, ejections: 0, latency: latencies() },
    ...rest,
  }
}

export function listenerReading(
  endpoints: readonly EndpointReading[],
  rest: Partial<ListenerReading> = {},
): ListenerReading {
  return {
    ...{ listen: 'tcp://127.0.0.1:1', service: 'web', policy: 'round_robin', stale: false, panic: false },
    pids: [42],
    ...{ source: 'registry', configError: undefined, ejections: 1, departedLatency: latencies(1) },
    registry: { revision: '9', changedAt: 1, stale: undefined },
    ...new ListenerMeter().read(undefined),
    endpoints,
    ...rest,
  }
}
