import type { Endpoint } from '../../model/endpoint.js'
import type { HttpEnvironment } from '../http/environment.js'
import type { UpstreamConnection, UpstreamObserver } from '../http/stream.js'
import { Http1ClientConnection } from '../http1/client-connection.js'
import { Http2ClientConnection } from '../http2/client-connection.js'
import type { UpstreamLimits } from '../options.js'
import type { ServiceContext } from '../service/context.js'
import type { Ticker } from '../ticker.js'
import type { Dial, DialObserver, Wire } from '../transport/transport.js'
import { protocolOf } from './endpoint.js'
import type { PoolContext, UpstreamProtocol } from './upstream-pool.js'

/** How endpoints are spoken to. Goes by the settings of the moment. */
export class UpstreamDialect implements PoolContext {
  readonly ticker: Ticker
  readonly #listener: ServiceContext
  #environment: HttpEnvironment | undefined

  constructor(listener: ServiceContext) {
    this.#listener = listener
    this.ticker = listener.ticker
  }

  get limits(): UpstreamLimits {
    return this.#listener.settings.http.upstreamLimits
  }

  get connectTicks(): number {
    return this.#listener.settings.http.connectTicks
  }

  /** What every HTTP connection shares, clients' ones too. */
  get environment(): HttpEnvironment {
    const { ticker, flusher, settings } = this.#listener
    const { limits } = settings.http
    if (this.#environment?.limits !== limits) this.#environment = { ticker, flusher, limits }
    return this.#environment
  }

  dial(endpoint: Endpoint, protocol: UpstreamProtocol, observer: DialObserver): Dial {
    const { transport, guard, tls } = this.#listener
    const { host, port } = endpoint
    const secured = tls.destination(endpoint, offers(endpoint, protocol))
    const destination = {
      host,
      port,
      refuse: (ip: string) => guard.refusal(ip, port),
      ...(secured && { tls: secured }),
    }
    return transport.dial(destination, observer)
  }

  tellMismatch(address: string, reason: string): void {
    this.#listener.trouble({ kind: 'other_protocol', address, reason })
  }

  settle(endpoint: Endpoint, wanted: UpstreamProtocol, { alpn }: Wire): UpstreamProtocol {
    if (alpn === undefined || wanted === 'h1') return wanted
    if (alpn !== '') return alpn === 'h2' ? 'h2' : 'h1'
    // "HTTP/2 connections over TLS MUST use protocol negotiation in TLS" (RFC 9113 §3.3)
    return protocolOf(endpoint) ?? 'h1'
  }

  converse(wire: Wire, protocol: UpstreamProtocol, observer: UpstreamObserver, patient: boolean): UpstreamConnection {
    return protocol === 'h2'
      ? new Http2ClientConnection(wire, this.environment, observer, patient)
      : new Http1ClientConnection(wire, this.environment, observer)
  }
}

/** What is offered by ALPN: HTTP/1.1 too, instead of HTTP/2, where nobody has said that the endpoint speaks HTTP/2. */
function offers(endpoint: Endpoint, protocol: UpstreamProtocol): readonly string[] {
  if (protocol === 'h1') return ['http/1.1']
  return protocolOf(endpoint) === 'h2' ? ['h2'] : ['h2', 'http/1.1']
}
