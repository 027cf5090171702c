import type { Balancer } from '../balancer/contract.js'
import type { PolicyChoice } from '../balancer/service-config.js'
import type { DataPlaneResolver } from '../discovery/data-plane-resolver.js'
import type { Check } from '../health/check.js'
import type { TlsFiles } from '../net/server-credentials.js'
import type { ProxyEvent } from './events.js'
import type { HttpLimits } from './http/environment.js'
import type { Listen } from './listen.js'
import type { Transport } from './transport/transport.js'

export interface ProxyOptions {
  /** At least one. */
  readonly listeners: readonly Listen[]
  /** The policy of every listener, whatever the services' configs say. Default: those, else that of `createBalancer`. */
  readonly policy?: PolicyChoice
  /** Further endpoints to try when one cannot be connected to, or has certainly not acted on a request, 0–100. Default 1. */
  readonly retries?: number
  /** Milliseconds, above 0. Default 2,000. */
  readonly connectTimeoutMs?: number
  /**
   * Milliseconds without a byte in either direction after which a connection is closed or, of HTTP, a request broken off: streams and
   * tunnels too, whatever PINGs say. Default one hour for TCP, 5 minutes for HTTP.
   */
  readonly idleTimeoutMs?: number
  /** Milliseconds an HTTP request may take from its head to the end of its response; a tunnel or stream too. Default: no limit. */
  readonly requestTimeoutMs?: number
  /** What an `auto` listener waits for a client's first bytes before it takes the connection for TCP, in milliseconds. Default 50. */
  readonly sniffTimeoutMs?: number
  /** What hash policies go by, for HTTP. Default: the header that the service's config names (gRFC A76), else the client's address. */
  readonly hashOn?: HashOn
  /** Keeps an HTTP client with its endpoint by a cookie of this name. Default: no cookie. */
  readonly stickyCookie?: string
  /**
   * A secret that the cookie's values are made with, so that nobody can tell which endpoint one stands for by trying likely ids (a fixed
   * list's are its addresses). Default: none, the same for every proxy: cookies hold across restarts and from proxy to proxy.
   */
  readonly stickyKey?: string
  /** Checks every endpoint again and again, and takes out those that fail. Default: no active checks. */
  readonly healthCheck?: Check
  /** Milliseconds between two checks of an endpoint. Default 2,000. */
  readonly healthIntervalMs?: number
  /** Whether endpoints whose requests keep failing are taken out for a while. Default true. */
  readonly outlierDetection?: boolean
  /** Terminates TLS on every listener. */
  readonly tls?: TlsFiles
  /** Speaks TLS to endpoints, and how they are verified. */
  readonly upstreamTls?: UpstreamTls
  /** Overrides of what a peer may make an HTTP connection hold or do. */
  readonly limits?: Partial<HttpLimits>
  /** What each endpoint is asked to carry at once over HTTP; what is beyond goes elsewhere or is refused with 503. */
  readonly upstreamLimits?: Partial<UpstreamLimits>
  /** Open connections per listener; a client beyond gets a reset. Default: no limit. */
  readonly maxConnections?: number
  /** PROXY protocol: read it from clients (needs `trust`), write it (version 2) to endpoints, or both. */
  readonly proxyProtocol?: 'accept' | 'send' | 'both'
  /**
   * Networks that are believed: with `proxyProtocol`, their connections must begin with a PROXY header, which is not looked for
   * from anywhere else; for HTTP, what their requests say in `x-forwarded-*` and `forwarded` is kept and added to.
   */
  readonly trust?: readonly string[]
  /** Networks that may connect. Default: everybody. */
  readonly allow?: readonly string[]
  /** Hears of everything worth telling. Must not throw. */
  readonly onEvent?: (event: ProxyEvent) => void
}

/** Per endpoint and listener. */
export interface UpstreamLimits {
  /** Default 1,024. */
  readonly maxConnections: number
  /** Requests that wait for a connection. Default 1,024. */
  readonly maxPending: number
  /** Requests under way. Default 16,384. */
  readonly maxRequests: number
}

/** What a hash policy's key is made of. */
export type HashOn =
  { readonly kind: 'source_ip' | 'path' } | { readonly kind: 'header' | 'cookie' | 'query'; readonly name: string }

export interface UpstreamTls {
  /** PEM file of the authorities that endpoints' certificates are checked against. Default: the system's. */
  readonly caFile?: string
}

export interface ProxyDependencies {
  /** Resolves the targets that are services, and is told of endpoints that cannot be connected to. Not needed where all targets are fixed lists. */
  readonly resolver?: DataPlaneResolver
  /** Makes the balancer of one listener. */
  createBalancer(): Balancer
  /** Default: node sockets. */
  readonly transport?: Transport
}
