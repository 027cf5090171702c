import type { Endpoint } from '../../model/endpoint.js'
import type { UpstreamConnection, UpstreamObserver } from '../http/stream.js'
import type { EndpointMeter } from '../meters.js'
import type { UpstreamLimits } from '../options.js'
import type { Perishable, Ticker } from '../ticker.js'
import type { Dial, DialObserver, Wire } from '../transport/transport.js'

export type UpstreamProtocol = 'h1' | 'h2'

/** What the pools of one listener share. */
export interface PoolContext {
  readonly ticker: Ticker
  readonly limits: UpstreamLimits
  readonly connectTicks: number
  /** Connects to an endpoint in order to speak `protocol`. */
  dial(endpoint: Endpoint, protocol: UpstreamProtocol, observer: DialObserver): Dial
  /** What is spoken on a fresh wire that was dialled in order to speak `wanted`. */
  settle(endpoint: Endpoint, wanted: UpstreamProtocol, wire: Wire): UpstreamProtocol
  /** Speaks `protocol` on a fresh wire; `patient`: sends no request before the endpoint has shown that it does too, where it does so first. */
  converse(wire: Wire, protocol: UpstreamProtocol, observer: UpstreamObserver, patient: boolean): UpstreamConnection
  /** An endpoint does not speak what it was spoken to. */
  tellMismatch(address: string, reason: string): void
}

/** Hears of what an endpoint speaks. */
export interface PoolOwner {
  /** Called before anybody else hears of it. Tells whether the protocol is to be spoken all the same. */
  mismatched(protocol: UpstreamProtocol, certain: boolean, reason: string): boolean
  /** The endpoint could not be connected to: it may be another one when it comes back. */
  unreachable(): void
}

/** Why those who waited got no connection: the endpoint does not speak the protocol, or (not `certain`) left without a word. */
export class ProtocolMismatch extends Error {
  constructor(
    reason: string,
    readonly certain: boolean,
  ) {
    super(reason)
  }
}

/** Waits for a connection. One of its methods is called, once. */
export interface Waiter {
  /** There is room on `connection` now. */
  connected(connection: UpstreamConnection): void
  /** No connection could be made. */
  connectFailed(error: Error): void
}

/** What an HTTP/2 server allows at least in practice, as long as it has not said ("no smaller than 100", RFC 9113 §6.5.2). */
const LIKELY_STREAMS = 100

/**
 * The connections to one endpoint in one protocol. Another one is opened only where all are full; of HTTP/1.1 connections
 * the one used last is used next, so that the others may go.
 */
export class UpstreamPool {
  /** The endpoint is known to speak the protocol. */
  confirmed: boolean
  readonly #endpoint: Endpoint
  /** Wanted, until a connection has shown what the endpoint speaks. */
  #protocol: UpstreamProtocol
  readonly #meter: EndpointMeter
  readonly #context: PoolContext
  readonly #connections = new Set<PooledConnection>()
  /** Those that had room when last looked at; the one to use next is the last. */
  readonly #ready: PooledConnection[] = []
  readonly #waiters = new Set<Waiter>()
  readonly #dials = new Set<PoolDial>()
  readonly #owner: PoolOwner
  /** Connections on which the endpoint is still to show what it speaks. */
  #probes = 0
  #draining = false

  /** `confirmed`: the endpoint is known to speak `protocol`. Otherwise its first connection shows, before any request is sent on it. */
  constructor(
    endpoint: Endpoint,
    protocol: UpstreamProtocol,
    confirmed: boolean,
    meter: EndpointMeter,
    context: PoolContext,
    owner: PoolOwner,
  ) {
    this.#endpoint = endpoint
    this.confirmed = confirmed
    this.#owner = owner
    this.#protocol = protocol
    this.#meter = meter
    this.#context = context
  }

  /** Whether there is no connection, and none is waited for. */
  get isIdle(): boolean {
    return this.#connections.size === 0 && this.#dials.size === 0 && this.#waiters.size === 0
  }

  /** A connection with room for a request, which must be opened before the next call. */
  take(): UpstreamConnection | undefined {
    const ready = this.#ready
    for (let i = ready.length - 1; i >= 0; i--) {
      const pooled = ready[i]!
      if (pooled.connection!.available > 0) return pooled.connection
      ready.pop()
      pooled.ready = false
    }
    return undefined
  }

  /** Has `waiter` wait for a connection. False: too many wait already. */
  wait(waiter: Waiter): boolean {
    if (this.#waiters.size >= this.#context.limits.maxPending) return false
    this.#waiters.add(waiter)
    this.#dialAsNeeded()
    if (this.#dials.size > 0 || this.#connections.size > 0) return true
    this.#waiters.delete(waiter)
    return false
  }

  /** `waiter` does not wait any more. */
  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  /** Lets what is under way end and closes then; waiters are still served. */
  drain(): void {
    this.#draining = true
    this.#drainIfUnneeded()
  }

  /** Breaks everything off at once. */
  abort(): void {
    this.#draining = true
    for (const dial of this.#dials) dial.cancel()
    this.#dials.clear()
    this.#waiters.clear()
    for (const { connection } of this.#connections) connection!.abort()
  }

  /** `dial` has a connection. */
  connected(dial: PoolDial, wire: Wire): void {
    this.#dials.delete(dial)
    const pooled = new PooledConnection(this)
    this.#meter.total++
    this.#meter.active++
    this.#connections.add(pooled)
    this.#protocol = this.#context.settle(this.#endpoint, this.#protocol, wire)
    // By ALPN the endpoint has said what it speaks.
    if (wire.alpn !== undefined) this.confirmed = true
    pooled.isProbe = !this.confirmed && this.#protocol === 'h2'
    if (pooled.isProbe) this.#probes++
    pooled.connection = this.#context.converse(wire, this.#protocol, pooled, pooled.isProbe)
    this.becameAvailable(pooled)
  }

  connectFailed(dial: PoolDial, error: Error): void {
    this.#dials.delete(dial)
    this.#meter.connectFailures++
    this.#owner.unreachable()
    // Those whom no other attempt under way will serve.
    let hopeless = this.#waiters.size - this.#coming
    for (const waiter of [...this.#waiters]) {
      if (hopeless-- <= 0) break
      this.#waiters.delete(waiter)
      waiter.connectFailed(error)
    }
    this.#drainIfUnneeded()
  }

  /** A connection has room again, or none any more. */
  becameAvailable(pooled: PooledConnection): void {
    const connection = pooled.connection
    if (!connection) return
    if (connection.confirmed) this.#confirm(pooled)
    if (this.#waiters.size > 0) this.#serve(connection)
    if (connection.available > 0 && !pooled.ready) {
      pooled.ready = true
      this.#ready.push(pooled)
    }
    this.#dialAsNeeded()
    this.#drainIfUnneeded()
  }

  #serve(connection: UpstreamConnection): void {
    for (const waiter of this.#waiters) {
      if (connection.available <= 0) break
      this.#waiters.delete(waiter)
      waiter.connected(connection)
    }
  }

  /** The endpoint does not speak the protocol: whoever waits is told. */
  mismatched(pooled: PooledConnection, certain: boolean, reason: string): void {
    const wasProbe = pooled.isProbe
    this.#settleProbe(pooled)
    // That a connection is lost says nothing where requests were sent on it, nor when it is our doing.
    const isOurDoing = this.#draining && this.#waiters.size === 0
    if (isOurDoing || (!certain && !wasProbe)) return
    this.confirmed = this.#owner.mismatched(this.#protocol, certain, reason)
    const error = new ProtocolMismatch(reason, certain)
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.connectFailed(error)
  }

  closed(pooled: PooledConnection): void {
    if (pooled.connection?.confirmed) this.#confirm(pooled)
    this.#settleProbe(pooled)
    this.#meter.active--
    this.#connections.delete(pooled)
    if (pooled.ready) this.#ready.splice(this.#ready.indexOf(pooled), 1)
    pooled.ready = false
    this.#dialAsNeeded()
  }

  #drainIfUnneeded(): void {
    if (!this.#draining || this.#waiters.size > 0) return
    for (const dial of this.#dials) dial.cancel()
    this.#dials.clear()
    for (const { connection } of this.#connections) connection!.drain()
  }

  #confirm(pooled: PooledConnection): void {
    this.confirmed = true
    this.#settleProbe(pooled)
  }

  #settleProbe(pooled: PooledConnection): void {
    if (!pooled.isProbe) return
    pooled.isProbe = false
    this.#probes--
  }

  /** How many requests the connections that are being made will take. */
  get #coming(): number {
    return (this.#dials.size + this.#probes) * (this.#protocol === 'h2' ? LIKELY_STREAMS : 1)
  }

  /** Opens as many connections as those who wait need beyond those being opened. */
  #dialAsNeeded(): void {
    const { maxConnections } = this.#context.limits
    while (this.#waiters.size > this.#coming && this.#dials.size + this.#connections.size < maxConnections) {
      const dial = new PoolDial(this, this.#context)
      this.#dials.add(dial)
      dial.start(this.#endpoint, this.#protocol)
    }
  }
}

/** A connection of a pool, and what it tells of itself. */
class PooledConnection implements UpstreamObserver {
  connection: UpstreamConnection | undefined
  /** Whether it is in the pool's list of those with room. */
  ready = false
  /** The endpoint is still to show what it speaks. */
  isProbe = false
  readonly #pool: UpstreamPool

  constructor(pool: UpstreamPool) {
    this.#pool = pool
  }

  onAvailability(): void {
    this.#pool.becameAvailable(this)
  }

  onMismatch(certain: boolean, reason: string): void {
    this.#pool.mismatched(this, certain, reason)
  }

  onClosed(): void {
    this.#pool.closed(this)
  }
}

/** One attempt to connect, bounded in time. */
class PoolDial implements DialObserver, Perishable {
  readonly deadline: number
  readonly #pool: UpstreamPool
  readonly #context: PoolContext
  #dial: Dial | undefined

  constructor(pool: UpstreamPool, context: PoolContext) {
    this.#pool = pool
    this.#context = context
    this.deadline = context.ticker.now + context.connectTicks
  }

  start(endpoint: Endpoint, protocol: UpstreamProtocol): void {
    this.#context.ticker.watch(this)
    this.#dial = this.#context.dial(endpoint, protocol, this)
  }

  /** Gives up without a word. */
  cancel(): void {
    this.#context.ticker.unwatch(this)
    this.#dial?.cancel()
  }

  expire(): void {
    this.cancel()
    this.#pool.connectFailed(this, new Error('connection attempt timed out'))
  }

  connected(wire: Wire): void {
    this.#context.ticker.unwatch(this)
    this.#pool.connected(this, wire)
  }

  connectFailed(error: Error): void {
    this.#context.ticker.unwatch(this)
    this.#pool.connectFailed(this, error)
  }
}
