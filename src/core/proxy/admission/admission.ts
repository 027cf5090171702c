import type { ProxiedAddresses } from '../proxy-protocol/header.js'
import type { ServiceContext } from '../service/context.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { Wire, WireReceiver } from '../transport/transport.js'
import { Client } from './client.js'
import { type HeaderOwner, ProxyHeaderPhase } from './proxy-header-phase.js'

export interface AdmissionOwner {
  /** The client may come in. `early` is what it sent right behind its PROXY header. The wire is paused. */
  admitted(admission: Admission, wire: Wire, client: Client, early: Buffer): void
  /** The client was turned away, or left by itself. */
  turnedAway(admission: Admission): void
}

/** The first stage of every connection: finds out who the client is and whether it may come in. Calls its owner once. */
export class Admission implements HeaderOwner, WireReceiver {
  readonly #context: ServiceContext
  readonly #owner: AdmissionOwner
  readonly #wire: Wire
  #headerPhase: ProxyHeaderPhase | undefined

  constructor(wire: Wire, context: ServiceContext, owner: AdmissionOwner) {
    this.#wire = wire
    this.#context = context
    this.#owner = owner
  }

  start(): void {
    const { settings, ticker } = this.#context
    const client = new Client(this.#wire, undefined)
    if (settings.admission.proxied?.has(client.peerHost)) {
      this.#headerPhase = new ProxyHeaderPhase(this.#wire, ticker, this)
    } else {
      this.#judge(client, NO_BYTES)
    }
  }

  headerRead(addresses: ProxiedAddresses | undefined, rest: Buffer): void {
    this.#judge(new Client(this.#wire, addresses), rest)
  }

  headerFailed(reason: string): void {
    this.#context.meter.malformed++
    this.#context.trouble({ kind: 'malformed_header', address: new Client(this.#wire, undefined).peerHost, reason })
    this.#turnAway()
  }

  /** Turns the client away at once. */
  abort(): void {
    this.#headerPhase?.cancel()
    this.#turnAway()
  }

  #judge(client: Client, early: Buffer): void {
    const { allow, proxied } = this.#context.settings.admission
    this.#wire.receiver = this
    if (!allow || client.isIn(allow, proxied)) return this.#owner.admitted(this, this.#wire, client, early)
    this.#context.meter.denied++
    this.#context.trouble({ kind: 'denied', address: client.key, reason: 'not in the allow list' })
    this.#turnAway()
  }

  #turnAway(): void {
    this.#wire.receiver = this
    this.#wire.reset()
    this.#owner.turnedAway(this)
  }

  onData(): void {}
  onEnd(): void {}
  onDrain(): void {}
  onClose(): void {}
}
