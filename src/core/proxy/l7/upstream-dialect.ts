import type { Endpoint } from '../../model/endpoint.js'
import type { HttpEnvironment } from '../http/environment.js'
import type { UpstreamConnection, UpstreamObserver } from '../http/stream.js'
import { Http1ClientConnection } from '../http1/client-connection.js'
import { Http2ClientConnection } from '../http2/client-connection.js'
import type { UpstreamLimits } from '../options.js'
import { encodeV2 } from '../proxy-protocol/v2.js'
import type { ServiceContext } from '../service/context.js'
import type { Ticker } from '../ticker.js'
import type { Dial, DialObserver, Wire } from '../transport/transport.js'
import type { PoolContext, UpstreamProtocol } from './upstream-pool.js'

const ALPN = { h1: ['http/1.1'], h2: ['h2'] } as const

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
    const { transport, guard, tls, settings } = this.#listener
    const { host, port } = endpoint
    const secured = tls.destination(endpoint, ALPN[protocol])
    const destination = {
      host,
      port,
      refuse: (ip: string) => guard.refusal(ip, port),
      // A connection is shared by requests of many clients, so its PROXY header speaks for this proxy.
      ...(settings.http.sendProxyHeader && { preface: encodeV2(undefined) }),
      ...(secured && { tls: secured }),
    }
    return transport.dial(destination, observer)
  }

  converse(wire: Wire, protocol: UpstreamProtocol, observer: UpstreamObserver): UpstreamConnection {
    return protocol === 'h2'
      ? new Http2ClientConnection(wire, this.environment, observer)
      : new Http1ClientConnection(wire, this.environment, observer)
  }
}
