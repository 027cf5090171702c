import { explainVerdict, type Verdict } from '../../balancer/eligibility.js'
import { addLatencies, type LatencyReading } from '../../proxy/latency-histogram.js'
import { isEligible, type EndpointReading, type ListenerReading } from '../../proxy/reading.js'
import { viewRegistry } from '../registry-view.js'
import { isoTime } from '../time.js'
import { latenciesSince, quantilesMs } from './latencies.js'
import type { EndpointView, ListenerView, Traffic } from './state.js'

const QUANTILES = [0.5, 0.95, 0.99]

/** What happened at an endpoint in a window of time. */
interface Recent {
  readonly picks: number
  readonly succeeded: number
  readonly failed: number
  readonly latency: LatencyReading
}

/** The view of a listener, with its endpoints worked out one by one as they are asked for. */
export interface ListenerInParts {
  readonly head: Omit<ListenerView, 'endpoints'>
  readonly endpoints: Iterable<EndpointView>
}

/** How a listener is and what happened `windowMs` long, since `before`; since it began where that is undefined. */
export function viewListener(
  now: ListenerReading,
  before: ListenerReading | undefined,
  windowMs: number,
): ListenerInParts {
  const earlier = new Map(before?.endpoints.map((endpoint) => [endpoint.address, endpoint]))
  const recents = now.endpoints.map((endpoint) => recentOf(endpoint, earlier.get(endpoint.address)))
  const all = addRecents(recents)
  return { head: viewHead(now, all, windowMs), endpoints: viewEndpoints(now.endpoints, recents, all.picks, windowMs) }
}

function viewHead(now: ListenerReading, recent: Recent, windowMs: number): ListenerInParts['head'] {
  const { listen, service, source, policy, panic, retries, ejections, connections, requests } = now
  const { connectFailures, bytesSent, bytesReceived, endpoints } = now
  const servers = endpoints.filter(({ role, state }) => role === 'server' && state !== 'gone')
  return {
    ...{ listen, service, source, policy },
    configError: now.configError ?? null,
    panic,
    registry: viewRegistry(now.registry),
    eligible: servers.filter(isEligible).length,
    total: servers.length,
    ...trafficOf(recent, windowMs),
    inFlight: endpoints.reduce((total, endpoint) => total + endpoint.inFlight, 0),
    ...{ retries, ejections, connections, requests, connectFailures, bytesSent, bytesReceived },
  }
}

function* viewEndpoints(
  endpoints: readonly EndpointReading[],
  recents: readonly Recent[],
  allPicks: number,
  windowMs: number,
): Generator<EndpointView, void, undefined> {
  for (const [i, endpoint] of endpoints.entries()) yield viewEndpoint(endpoint, recents[i]!, allPicks, windowMs)
}

// One literal: this is done a thousand times in a row, and putting objects together by spreading takes ten times as
// long.
function viewEndpoint(endpoint: EndpointReading, recent: Recent, allPicks: number, windowMs: number): EndpointView {
  const { verdict, healthReason, slowStart, ewmaMs } = endpoint
  const traffic = trafficOf(recent, windowMs)
  return {
    address: endpoint.address,
    id: endpoint.id,
    zone: endpoint.zone ?? null,
    role: endpoint.role,
    meta: endpoint.meta,
    weight: endpoint.weight,
    effectiveWeight: endpoint.effectiveWeight,
    state: endpoint.state,
    stateSince: isoTime(endpoint.stateSince),
    eligible: isEligible(endpoint),
    verdict,
    reason: reasonOf(verdict, healthReason),
    health: endpoint.health,
    healthSince: isoTime(endpoint.healthSince),
    healthReason,
    faultyWorkers: endpoint.faultyWorkers,
    slowStart: slowStart === undefined ? null : rounded(slowStart, 3),
    share: allPicks === 0 ? 0 : rounded(recent.picks / allPicks, 5),
    expectedShare: rounded(endpoint.expectedShare, 5),
    ratePerSecond: traffic.ratePerSecond,
    successRate: traffic.successRate,
    p50Ms: traffic.p50Ms,
    p95Ms: traffic.p95Ms,
    p99Ms: traffic.p99Ms,
    inFlight: endpoint.inFlight,
    ewmaMs: ewmaMs === undefined ? null : rounded(ewmaMs, 3),
    picks: endpoint.picks,
    ejections: endpoint.ejections,
    requests: { total: endpoint.requests, active: endpoint.requestsActive, failed: endpoint.requestsFailed },
    connections: { total: endpoint.total, active: endpoint.active, failed: endpoint.connectFailures },
    bytesSent: endpoint.bytesSent,
    bytesReceived: endpoint.bytesReceived,
  }
}

function reasonOf(verdict: Verdict | 'gone', healthReason: string): string {
  if (verdict === 'gone') return 'no longer in the service; finishes what it has'
  const reason = explainVerdict(verdict)
  return healthReason === '' || verdict === 'ready' ? reason : `${reason} (${healthReason})`
}

function trafficOf({ picks, succeeded, failed, latency }: Recent, windowMs: number): Omit<Traffic, 'inFlight'> {
  const [p50Ms = null, p95Ms = null, p99Ms = null] = quantilesMs(latency, QUANTILES)
  const ended = succeeded + failed
  return {
    ratePerSecond: windowMs > 0 ? rounded((picks * 1000) / windowMs, 2) : 0,
    successRate: ended === 0 ? null : rounded(succeeded / ended, 5),
    p50Ms: p50Ms && rounded(p50Ms, 3),
    p95Ms: p95Ms && rounded(p95Ms, 3),
    p99Ms: p99Ms && rounded(p99Ms, 3),
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
