import type { Balancer } from '../../balancer/contract.js'
import type { Clock } from '../../runtime.js'
import type { CidrSet } from '../cidr-set.js'
import type { EndpointMeter, ListenerMeter } from '../meters.js'
import type { Ticker } from '../ticker.js'
import type { Transport } from '../transport/transport.js'
import type { UpstreamGuard } from '../upstream-guard.js'

/** What all connections of one listener share. */
export interface L4Context {
  readonly transport: Transport
  readonly balancer: Balancer
  readonly guard: UpstreamGuard
  readonly ticker: Ticker
  readonly clock: Clock
  readonly meter: ListenerMeter
  readonly settings: L4Settings
  /** A connection could not be served, or an attempt for it failed. Called often in a bad hour. */
  trouble(trouble: Trouble): void
  /** The connection is over and refers to nothing any more. Called once. */
  closed(connection: object): void
}

export interface L4Settings {
  /** How many endpoints are tried for a connection before it is given up. */
  readonly attempts: number
  readonly connectTicks: number
  readonly idleTicks: number
  /** Clients that may connect; everybody if undefined. */
  readonly allow: CidrSet | undefined
  /** Peers that must begin with a PROXY header; nobody's is read if undefined. */
  readonly trust: CidrSet | undefined
  /** Whether upstreams get a PROXY header. */
  readonly sendProxyHeader: boolean
}

export type Trouble =
  | { readonly kind: 'connect_failed'; readonly address: string; readonly reason: string; readonly final: boolean }
  | { readonly kind: 'refused_address'; readonly address: string; readonly reason: string }
  | { readonly kind: 'no_endpoints'; readonly reason: string }
  | { readonly kind: 'denied' | 'malformed_header'; readonly client: string; readonly reason: string }

/** The meter of an endpoint, with the guard's verdict on its address worked out once for each version of the guard. */
export function guardedMeter(
  context: L4Context,
  endpoint: { address: string; host: string; port: number },
): EndpointMeter {
  const meter = context.meter.endpoint(endpoint.address)
  const { guard } = context
  if (meter.judgedAt !== guard.version) {
    meter.judgedAt = guard.version
    meter.refusal = guard.refusal(endpoint.host, endpoint.port)
  }
  return meter
}
