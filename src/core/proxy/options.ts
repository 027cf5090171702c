import type { Balancer } from '../balancer/contract.js'
import type { DataPlaneResolver } from '../discovery/data-plane-resolver.js'
import type { ProxyEvent } from './events.js'
import type { Listen } from './listen.js'
import type { Transport } from './transport/transport.js'

export interface ProxyOptions {
  /** At least one. */
  readonly listeners: readonly Listen[]
  /** Further endpoints to try when one cannot be connected to, 0–100. Default 1. */
  readonly retries?: number
  /** Milliseconds, above 0. Default 2,000. */
  readonly connectTimeoutMs?: number
  /** Milliseconds without a byte in either direction after which a connection is closed. Default one hour. */
  readonly idleTimeoutMs?: number
  /** Open connections per listener; a client beyond gets a reset. Default: no limit. */
  readonly maxConnections?: number
  /** PROXY protocol: read it from clients (needs `trust`), write it (version 2) to endpoints, or both. */
  readonly proxyProtocol?: 'accept' | 'send' | 'both'
  /** Networks whose connections must begin with a PROXY header; it is not looked for from anywhere else. */
  readonly trust?: readonly string[]
  /** Networks that may connect. Default: everybody. */
  readonly allow?: readonly string[]
  /** Hears of everything worth telling. Must not throw. */
  readonly onEvent?: (event: ProxyEvent) => void
}

export interface ProxyDependencies {
  /** Resolves the targets that are services, and is told of endpoints that cannot be connected to. Not needed where all targets are fixed lists. */
  readonly resolver?: DataPlaneResolver
  /** Makes the balancer of one listener. */
  createBalancer(): Balancer
  /** Default: node sockets. */
  readonly transport?: Transport
}
