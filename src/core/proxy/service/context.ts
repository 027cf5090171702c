import type { Balancer } from '../../balancer/contract.js'
import type { Runtime } from '../../runtime.js'
import type { ConnectionErrorEvent } from '../events.js'
import type { EndpointMeter, ListenerMeter } from '../meters.js'
import type { Settings } from '../settings.js'
import type { ProxyTls } from '../tls/proxy-tls.js'
import type { Ticker } from '../ticker.js'
import type { Flusher } from '../transport/flusher.js'
import type { Transport } from '../transport/transport.js'
import type { UpstreamGuard } from '../upstream-guard.js'

/** What a listener gives to the service behind it. */
export interface ServiceContext {
  /** What the connections are balanced over. */
  readonly service: string
  readonly transport: Transport
  readonly balancer: Balancer
  readonly guard: UpstreamGuard
  readonly ticker: Ticker
  readonly flusher: Flusher
  readonly runtime: Runtime
  readonly meter: ListenerMeter
  /** Replaced as a whole, as `settings` is. */
  readonly tls: ProxyTls
  /** What to go by now. Replaced as a whole when the configuration is read again: do not keep parts of it. */
  readonly settings: Settings
  /** Something could not be served, or an attempt for it failed. Called often in a bad hour. */
  trouble(trouble: Trouble): void
  /** A connection that was accepted is over and refers to nothing any more. Called once for each. */
  closed(): void
}

export type Trouble =
  | { readonly kind: 'connect_failed'; readonly address: string; readonly reason: string }
  | {
      readonly kind: Exclude<ConnectionErrorEvent['kind'], 'connect_failed'>
      readonly address?: string
      readonly reason: string
    }

/** The meter of an endpoint, with the guard's verdict on its address worked out once for each version of the guard. */
export function guardedMeter(
  { meter: listener, guard }: ServiceContext,
  { address, host, port }: { readonly address: string; readonly host: string; readonly port: number },
): EndpointMeter {
  const meter = listener.endpoint(address)
  if (meter.judgedAt !== guard.version) {
    meter.judgedAt = guard.version
    meter.refusal = guard.refusal(host, port)
  }
  return meter
}
