import { explainVerdict, type Verdict } from '../balancer/eligibility.js'
import { addLatencies, type LatencyReading } from '../proxy/latency-histogram.js'
import { isEligible, type EndpointReading, type ListenerReading, type RegistryReading } from '../proxy/reading.js'
import { latenciesSince, quantilesMs } from './latencies.js'
import type { EndpointView, ListenerView, RegistryView, Traffic } from './state.js'

const QUANTILES = [0.5, 0.95, 0.99]

/** What happened at an endpoint in a window of time. */
interface Recent {
  readonly picks: number
  readonly succeeded: number
  readonly failed: number
  readonly latency: LatencyReading
}

/** How a listener is and what happened `windowMs` long, since `before`; since it began where that is undefined. */
export function viewListener(
  now: ListenerReading,
  before: ListenerReading | undefined,
  windowMs: number,
): ListenerView {
  const earlier = new Map(before?.endpoints.map((endpoint) => [endpoint.address, endpoint]))
  const recents = now.endpoints.map((endpoint) => recentOf(endpoint, earlier.get(endpoint.address)))
  const picks = recents.reduce((total, recent) => total + recent.picks, 0)
  const endpoints = now.endpoints.map((endpoint, i) => viewEndpoint(endpoint, recents[i]!, picks, windowMs))
  const servers = endpoints.filter(({ role, state }) => role === 'server' && state !== 'gone')
  const { listen, service, source, policy, panic, retries, ejections, connections, requests } = now
  const { connectFailures, bytesSent, bytesReceived } = now
  return {
    ...{ listen, service, source, policy },
    configError: now.configError ?? null,
    panic,
    registry: viewRegistry(now.registry),
    eligible: servers.filter(({ eligible }) => eligible).length,
    total: servers.length,
    ...trafficOf(addRecents(recents), windowMs),
    inFlight: endpoints.reduce((total, endpoint) => total + endpoint.inFlight, 0),
    ...{ retries, ejections, connections, requests, connectFailures, bytesSent, bytesReceived },
    endpoints,
  }
}

function viewRegistry({ revision, changedAt, stale }: RegistryReading): RegistryView {
  return {
    state: stale ? 'stale' : revision === undefined ? 'unknown' : 'live',
    revision: revision ?? null,
    changedAt: changedAt === undefined ? null : isoTime(changedAt),
    staleMs: Math.round(stale?.forMs ?? 0),
    reason: stale?.reason ?? null,
  }
}

function viewEndpoint(endpoint: EndpointReading, recent: Recent, allPicks: number, windowMs: number): EndpointView {
  const { address, id, role, meta, weight, effectiveWeight, state, verdict, health, healthReason } = endpoint
  const { faultyWorkers, picks, ejections, bytesSent, bytesReceived } = endpoint
  return {
    ...{ address, id, zone: endpoint.zone ?? null, role, meta, weight, effectiveWeight, state },
    stateSince: isoTime(endpoint.stateSince),
    eligible: isEligible(endpoint),
    verdict,
    reason: reasonOf(verdict, healthReason),
    health,
    healthSince: isoTime(endpoint.healthSince),
    healthReason,
    faultyWorkers,
    slowStart: endpoint.slowStart === undefined ? null : rounded(endpoint.slowStart, 3),
    share: allPicks === 0 ? 0 : rounded(recent.picks / allPicks, 5),
    expectedShare: rounded(endpoint.expectedShare, 5),
    ...trafficOf(recent, windowMs),
    inFlight: endpoint.inFlight,
    ewmaMs: endpoint.ewmaMs === undefined ? null : rounded(endpoint.ewmaMs, 3),
    ...{ picks, ejections },
    requests: { total: endpoint.requests, active: endpoint.requestsActive, failed: endpoint.requestsFailed },
    connections: { total: endpoint.total, active: endpoint.active, failed: endpoint.connectFailures },
    ...{ bytesSent, bytesReceived },
  }
}

function reasonOf(verdict: Verdict | 'gone', healthReason: string): string {
  if (verdict === 'gone') return 'no longer in the service; finishes what it has'
  const reason = explainVerdict(verdict)
  return healthReason === '' || verdict === 'ready' ? reason : `${reason} (${healthReason})`
}

function trafficOf({ picks, succeeded, failed, latency }: Recent, windowMs: number): Omit<Traffic, 'inFlight'> {
  const [p50Ms = null, p95Ms = null, p99Ms = null] = quantilesMs(latency, QUANTILES).map((ms) => ms && rounded(ms, 3))
  const ended = succeeded + failed
  return {
    ratePerSecond: windowMs > 0 ? rounded((picks * 1000) / windowMs, 2) : 0,
    successRate: ended === 0 ? null : rounded(succeeded / ended, 5),
    ...{ p50Ms, p95Ms, p99Ms },
  }
}

function recentOf(now: EndpointReading, before: EndpointReading | undefined): Recent {
  return {
    picks: since(now.picks, before?.picks),
    succeeded: since(now.succeeded, before?.succeeded),
    failed: since(now.failed, before?.failed),
    latency: latenciesSince(now.latency, before?.latency),
  }
}

/** A counter that has become less began anew: its endpoint or its process is another one. */
function since(now: number, before = 0): number {
  return now >= before ? now - before : now
}

function addRecents(recents: readonly Recent[]): Recent {
  const sum = (key: 'picks' | 'succeeded' | 'failed') => recents.reduce((total, recent) => total + recent[key], 0)
  return {
    picks: sum('picks'),
    succeeded: sum('succeeded'),
    failed: sum('failed'),
    latency: addLatencies(recents.map(({ latency }) => latency)),
  }
}

/** Figures are no better than so many digits behind the point. */
function rounded(value: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
