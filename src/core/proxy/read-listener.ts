import type { Balancer, BalancerStatus, UpstreamStatus } from '../balancer/contract.js'
import { expectedShares } from '../balancer/expected-shares.js'
import { POLICIES } from '../balancer/policies/index.js'
import type { Clock } from '../runtime.js'
import type { EndpointHistory } from './endpoint-history.js'
import { NO_LATENCIES } from './latency-histogram.js'
import type { Target } from './listen.js'
import type { EndpointStats, ListenerMeter, ListenerStats } from './meters.js'
import type { EndpointReading, ListenerReading, RegistryReading } from './reading.js'

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
  const upstreams = upstreamsOf(status, listener.clock.now())
  return {
    ...stats,
    source: target.kind === 'service' ? 'registry' : 'static',
    configError: status.configError?.message,
    registry,
    ejections: history.ejections,
    departedLatency: meter.departedLatency,
    endpoints: stats.endpoints.map((endpoint) => readEndpoint(endpoint, upstreams.get(endpoint.address), listener)),
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

function readEndpoint(stats: EndpointStats, known: Known | undefined, listener: ReadableListener): EndpointReading {
  const { meter, history, clock } = listener
  const { address, health } = stats
  const used = meter.known(address)
  const record = history.of(address)
  return {
    ...stats,
    ...(known ? readUpstream(known, clock.now()) : readGone(stats)),
    stateSince: record?.stateSince ?? clock.wall(),
    healthSince: record?.health === health ? record.healthSince : clock.wall(),
    healthReason: record?.health === health ? record.healthReason : '',
    faultyWorkers: health === 'healthy' ? 0 : 1,
    ejections: record?.ejections ?? 0,
    succeeded: used?.succeeded ?? 0,
    failed: used?.failed ?? 0,
    latency: used?.latency.read() ?? NO_LATENCIES,
  }
}

function readUpstream({ upstream, verdict, expectedShare }: Known, now: number) {
  const { id, zone, role, meta } = upstream.endpoint
  const { ramp } = upstream
  return {
    ...{ id, zone, role, meta, verdict, expectedShare },
    effectiveWeight: upstream.weight,
    slowStart: ramp && !ramp.isOver(now) ? ramp.factor(now) : undefined,
    ewmaMs: upstream.isLatencySeen ? upstream.latencyAt(now) : undefined,
    picks: upstream.picks,
    inFlight: upstream.inFlight,
  }
}

/** Of an endpoint that has left the service only its meter is there. */
function readGone({ address, requests, requestsActive, active }: EndpointStats) {
  return {
    ...{ id: address, zone: undefined, role: 'server' as const, meta: {}, verdict: 'gone' as const, expectedShare: 0 },
    ...{ effectiveWeight: 0, slowStart: undefined, ewmaMs: undefined, picks: 0 },
    inFlight: requests > 0 ? requestsActive : active,
  }
}
