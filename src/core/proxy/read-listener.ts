import type { Balancer, BalancerStatus, UpstreamStatus } from '../balancer/contract.js'
import { expectedShares } from '../balancer/expected-shares.js'
import { POLICIES } from '../balancer/policies/index.js'
import type { Clock } from '../runtime.js'
import type { EndpointHistory } from './endpoint-history.js'
import { NO_LATENCIES } from './latency-histogram.js'
import type { Target } from './listen.js'
import type { EndpointStats, ListenerMeter, ListenerStats } from './meters.js'
import type { RegistryReading } from '../discovery/registry-account.js'
import type { EndpointReading, ListenerReading } from './reading.js'

/** What a listener is read from. */
export interface ReadableListener {
  readonly target: Target
  readonly balancer: Balancer
  readonly meter: ListenerMeter
  readonly history: EndpointHistory
  readonly registry: RegistryReading
  readonly clock: Clock
}

/** `stats` of the listener, and what else is known of it at this moment. */
export function readListener(stats: ListenerStats, listener: ReadableListener): ListenerReading {
  const { target, balancer, meter, history, registry } = listener
  const status = balancer.status()
  const [now, wall] = [listener.clock.now(), listener.clock.wall()]
  const upstreams = upstreamsOf(status, now)
  return {
    ...stats,
    pids: [process.pid],
    source: target.kind === 'service' ? 'registry' : 'static',
    configError: status.configError?.message,
    registry,
    ejections: history.ejections,
    departedLatency: meter.departedLatency,
    endpoints: stats.endpoints.map((endpoint) =>
      readEndpoint(endpoint, upstreams.get(endpoint.address), listener, now, wall),
    ),
  }
}

interface Known extends UpstreamStatus {
  readonly expectedShare: number
}

function upstreamsOf({ policy, upstreams }: BalancerStatus, now: number): ReadonlyMap<string, Known> {
  const shares = expectedShares(POLICIES[policy], upstreams, now)
  return new Map(
    upstreams.map(({ upstream, verdict }, i) => [
      upstream.endpoint.address,
      { upstream, verdict, expectedShare: shares[i]! },
    ]),
  )
}

// One literal: this is done a thousand times in a row, and putting objects together by spreading takes ten times as
// long.
function readEndpoint(
  stats: EndpointStats,
  known: Known | undefined,
  { meter, history }: ReadableListener,
  now: number,
  wall: number,
): EndpointReading {
  const { address, health, requests, requestsActive, active } = stats
  const used = meter.known(address)
  const record = history.of(address)
  const told = record?.health === health ? record : undefined
  const upstream = known?.upstream
  const endpoint = upstream?.endpoint
  const ramp = upstream?.ramp
  return {
    address,
    id: endpoint?.id ?? address,
    zone: endpoint?.zone,
    role: endpoint?.role ?? 'server',
    meta: endpoint?.meta ?? NO_META,
    weight: stats.weight,
    effectiveWeight: upstream?.weight ?? 0,
    state: stats.state,
    stateSince: record?.stateSince ?? wall,
    // One that has left the service is no longer the balancer's: only its meter is there.
    verdict: known?.verdict ?? 'gone',
    health,
    healthSince: told?.healthSince ?? wall,
    healthReason: told?.healthReason ?? '',
    faultyWorkers: health === 'healthy' ? 0 : 1,
    slowStart: ramp && !ramp.isOver(now) ? ramp.factor(now) : undefined,
    expectedShare: known?.expectedShare ?? 0,
    ewmaMs: upstream?.isLatencySeen ? upstream.latencyAt(now) : undefined,
    picks: upstream?.picks ?? 0,
    inFlight: upstream?.inFlight ?? (requests > 0 ? requestsActive : active),
    succeeded: used?.succeeded ?? 0,
    failed: used?.failed ?? 0,
    ejections: record?.ejections ?? 0,
    latency: used?.latency.read() ?? NO_LATENCIES,
    total: stats.total,
    active,
    connectFailures: stats.connectFailures,
    bytesSent: stats.bytesSent,
    bytesReceived: stats.bytesReceived,
    requests,
    requestsActive,
    requestsFailed: stats.requestsFailed,
  }
}

const NO_META: EndpointReading['meta'] = Object.freeze({})
