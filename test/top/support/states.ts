import type { AdminState, EndpointView, ListenerView } from '../../../src/core/admin/proxy/state.js'

/** The wall clock of every state here. */
export const NOW = Date.UTC(2026, 0, 1, 12, 0, 0)

export function endpointView(address: string, changes: Partial<EndpointView> = {}): EndpointView {
  return {
    address,
    id: `id-of-${address}`,
    zone: null,
    role: 'server',
    meta: {},
    weight: 1,
    effectiveWeight: 1,
    state: 'ready',
    stateSince: iso(-180_000),
    eligible: true,
    verdict: 'ready',
    reason: 'ready',
    health: 'healthy',
    healthSince: iso(-180_000),
    healthReason: '',
    faultyWorkers: 0,
    slowStart: null,
    share: 0,
    expectedShare: 0,
    ewmaMs: null,
    ratePerSecond: 0,
    successRate: null,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    inFlight: 0,
    picks: 0,
    ejections: 0,
    requests: { total: 0, active: 0, failed: 0 },
    connections: { total: 0, active: 0, failed: 0 },
    bytesSent: 0,
    bytesReceived: 0,
    ...changes,
  }
}

export function listenerView(changes: Partial<ListenerView> = {}): ListenerView {
  const endpoints = changes.endpoints ?? []
  return {
    listen: 'grpc://127.0.0.1:50051',
    service: 'greeter',
    source: 'registry',
    policy: 'least_request',
    configError: null,
    panic: false,
    registry: { state: 'live', revision: '42', changedAt: iso(-180_000), staleMs: 0, reason: null },
    eligible: endpoints.filter(({ eligible }) => eligible).length,
    total: endpoints.length,
    retries: 0,
    ejections: 0,
    connections: { total: 1, active: 1, denied: 0, limited: 0, malformed: 0, handshakeFailures: 0, failed: 0 },
    requests: {
      total: 0,
      active: 0,
      responses: { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 },
      retries: 0,
      refused: 0,
      timedOut: 0,
      cancelled: 0,
      broken: 0,
    },
    connectFailures: 0,
    bytesSent: 0,
    bytesReceived: 0,
    ratePerSecond: 0,
    successRate: null,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    inFlight: 0,
    ...changes,
    endpoints,
  }
}

export function adminState(listeners: readonly ListenerView[], changes: Partial<AdminState> = {}): AdminState {
  return {
    schemaVersion: 1,
    time: iso(0),
    process: {
      kind: 'proxy',
      version: '0.1.0',
      pid: 4711,
      startedAt: iso(-600_000),
      uptimeMs: 600_000,
      workers: 1,
      ready: true,
      draining: false,
      actions: 'open',
    },
    windowMs: 5000,
    listeners,
    ...changes,
  }
}

/** Four endpoints under 8,214 requests a second, one of them ejected. */
export function busyListener(changes: Partial<ListenerView> = {}): ListenerView {
  const busy = (address: string, weight: number, share: number, changes: Partial<EndpointView> = {}) =>
    endpointView(address, {
      weight,
      effectiveWeight: weight,
      zone: 'a',
      share,
      expectedShare: weight / 6,
      ratePerSecond: share * 8214,
      successRate: 1,
      p50Ms: 0.4,
      p95Ms: 1.1,
      p99Ms: 2.1,
      inFlight: Math.round(share * 31),
      picks: Math.round(share * 1_000_000),
      ...changes,
    })
  return listenerView({
    ratePerSecond: 8214,
    successRate: 0.9998,
    p50Ms: 0.4,
    p95Ms: 1.1,
    p99Ms: 2.3,
    inFlight: 31,
    endpoints: [
      busy('10.0.0.5:8080', 3, 0.501),
      busy('10.0.0.6:8080', 2, 0.332),
      busy('10.0.0.7:8080', 1, 0.167, { slowStart: 0.4, successRate: 0.9991, zone: 'b' }),
      endpointView('10.0.0.8:8080', {
        weight: 2,
        eligible: false,
        verdict: 'ejected',
        reason: 'taken out for a while because its requests fail',
        health: 'ejected',
        healthSince: iso(-21_000),
        healthReason: '5 consecutive UNAVAILABLE',
        ejections: 1,
      }),
    ],
    ...changes,
  })
}

function iso(offsetMs: number): string {
  return new Date(NOW + offsetMs).toISOString()
}
