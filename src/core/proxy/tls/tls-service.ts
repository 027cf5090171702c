import type { Snapshot } from '../../model/snapshot.js'
import type { Scheme } from '../listen.js'
import type { Arrival, ConnectionService } from '../service/connection-service.js'
import type { ServiceContext } from '../service/context.js'
import type { Perishable } from '../ticker.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { Dial, DialObserver, Wire } from '../transport/transport.js'
import { TlsServer } from './tls-server.js'

/** How long a client may take for its handshake, milliseconds. */
const HANDSHAKE_MS = 10_000
/** Handshakes under way on one listener: each holds some 50 KiB. */
const MAX_HANDSHAKES = 2048
/** A handshake makes room for another one once it has had this long, milliseconds. */
const FAIR_SHARE_MS = 1000

/** Ends TLS on the connections of a listener, if the proxy has a certificate, and hands on what is inside. */
export class TlsService implements ConnectionService {
  readonly #scheme: Scheme
  readonly #context: ServiceContext
  readonly #inner: ConnectionService
  /** The one that has waited longest is the first. */
  readonly #handshakes = new Set<PendingHandshake>()
  #server: TlsServer | undefined
  #draining = false

  constructor(scheme: Scheme, context: ServiceContext, inner: ConnectionService) {
    this.#scheme = scheme
    this.#context = context
    this.#inner = inner
  }

  get active(): number {
    return this.#handshakes.size + this.#inner.active
  }

  accept(wire: Wire, arrival: Arrival): void {
    const credentials = this.#context.tls.server
    if (!credentials) return this.#inner.accept(wire, arrival)
    if (this.#handshakes.size >= MAX_HANDSHAKES && !this.#makeRoom()) {
      this.#context.meter.limited++
      wire.reset()
      return this.#context.closed()
    }
    if (this.#server?.credentials !== credentials) this.#server = new TlsServer(credentials, this.#scheme)
    const handshake = new PendingHandshake(arrival, this.#context, this)
    this.#handshakes.add(handshake)
    handshake.begin(wire, this.#server)
  }

  update(snapshot: Snapshot): void {
    this.#inner.update(snapshot)
  }

  drain(): void {
    this.#draining = true
    this.#inner.drain()
  }

  abort(): void {
    for (const handshake of this.#handshakes) handshake.cancel()
    this.#inner.abort()
  }

  /** `handshake` is done. */
  succeeded(handshake: PendingHandshake, wire: Wire, { client }: Arrival): void {
    this.#handshakes.delete(handshake)
    this.#inner.accept(wire, { client, early: NO_BYTES, secure: true, alpn: wire.alpn ?? '' })
    if (this.#draining) this.#inner.drain()
  }

  /** `handshake` came to nothing. */
  ended(handshake: PendingHandshake): void {
    if (this.#handshakes.delete(handshake)) this.#context.closed()
  }

  #makeRoom(): boolean {
    const [oldest] = this.#handshakes
    if (!oldest!.hadItsShare) return false
    oldest!.fail('another client needed its place')
    return true
  }
}

/** A client in the middle of its handshake. */
class PendingHandshake implements DialObserver, Perishable {
  readonly deadline: number
  readonly #fairShare: number
  readonly #arrival: Arrival
  /** Who it is, asked for while the connection is there. */
  readonly #client: string
  readonly #context: ServiceContext
  readonly #owner: TlsService
  #dial: Dial | undefined

  constructor(arrival: Arrival, context: ServiceContext, owner: TlsService) {
    this.#arrival = arrival
    this.#client = arrival.client.key
    this.#context = context
    this.#owner = owner
    this.deadline = context.ticker.in(HANDSHAKE_MS)
    this.#fairShare = context.ticker.in(FAIR_SHARE_MS)
  }

  get hadItsShare(): boolean {
    return this.#context.ticker.now >= this.#fairShare
  }

  begin(wire: Wire, server: TlsServer): void {
    this.#context.ticker.watch(this)
    this.#dial = this.#context.transport.secure(wire, this.#arrival.early, server, this)
  }

  connected(wire: Wire): void {
    this.#context.ticker.unwatch(this)
    this.#owner.succeeded(this, wire, this.#arrival)
  }

  connectFailed({ message }: Error): void {
    this.#end(message)
  }

  expire(): void {
    this.fail(`the handshake took longer than ${HANDSHAKE_MS / 1000} s`)
  }

  fail(reason: string): void {
    this.#dial?.cancel()
    this.#end(reason)
  }

  /** Gives up without a word. */
  cancel(): void {
    this.fail('')
  }

  #end(reason: string): void {
    const { ticker, meter } = this.#context
    ticker.unwatch(this)
    if (reason !== '') {
      meter.handshakeFailures++
      this.#context.trouble({ kind: 'handshake_failed', address: this.#client, reason })
    }
    this.#owner.ended(this)
  }
}
