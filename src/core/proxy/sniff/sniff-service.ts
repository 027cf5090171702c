import type { Snapshot } from '../../model/snapshot.js'
import type { Arrival, ConnectionService } from '../service/connection-service.js'
import type { ServiceContext } from '../service/context.js'
import type { Wire } from '../transport/transport.js'
import type { Spoken } from './classify.js'
import { type SniffOwner, SniffPhase } from './sniff-phase.js'

/**
 * Finds out what the client of each connection speaks, and hands HTTP to one service and everything else to another: TLS
 * that is not ended here passes through as it comes.
 */
export class SniffService implements ConnectionService {
  readonly #context: ServiceContext
  readonly #http: ConnectionService
  readonly #tcp: ConnectionService
  readonly #sniffing = new Set<Sniffing>()
  #draining = false

  constructor(context: ServiceContext, http: ConnectionService, tcp: ConnectionService) {
    this.#context = context
    this.#http = http
    this.#tcp = tcp
  }

  get active(): number {
    return this.#sniffing.size + this.#http.active + this.#tcp.active
  }

  accept(wire: Wire, arrival: Arrival): void {
    if (arrival.alpn !== '') return this.#serviceOfProtocol(arrival.alpn).accept(wire, arrival)
    const sniffing = new Sniffing(wire, arrival, this)
    this.#sniffing.add(sniffing)
    sniffing.begin(this.#context)
  }

  update(snapshot: Snapshot): void {
    this.#http.update(snapshot)
    this.#tcp.update(snapshot)
  }

  drain(): void {
    this.#draining = true
    this.#http.drain()
    this.#tcp.drain()
  }

  abort(): void {
    for (const sniffing of this.#sniffing) sniffing.abort()
    this.#http.abort()
    this.#tcp.abort()
  }

  /** It is known what the client speaks. */
  found(sniffing: Sniffing, spoken: Spoken, wire: Wire, arrival: Arrival): void {
    this.#sniffing.delete(sniffing)
    const service = spoken === 'h2' || spoken === 'h1' ? this.#http : this.#tcp
    service.accept(wire, arrival)
    if (this.#draining) service.drain()
  }

  /** The client is gone. */
  ended(sniffing: Sniffing): void {
    if (this.#sniffing.delete(sniffing)) this.#context.closed()
  }

  #serviceOfProtocol(alpn: string): ConnectionService {
    return alpn === 'h2' || alpn === 'http/1.1' ? this.#http : this.#tcp
  }
}

/** A client of which it is not known what it speaks. */
class Sniffing implements SniffOwner {
  readonly #wire: Wire
  readonly #arrival: Arrival
  readonly #owner: SniffService
  #phase: SniffPhase | undefined

  constructor(wire: Wire, arrival: Arrival, owner: SniffService) {
    this.#wire = wire
    this.#arrival = arrival
    this.#owner = owner
  }

  begin({ runtime, settings }: ServiceContext): void {
    this.#phase = new SniffPhase(this.#wire, this.#arrival.early, runtime.clock, settings.sniffTimeoutMs, this)
  }

  abort(): void {
    this.#phase?.cancel()
    this.#wire.reset()
    this.#owner.ended(this)
  }

  sniffed(spoken: Spoken, bytes: Buffer, length: number, ended: boolean): void {
    const early = Buffer.from(bytes.subarray(0, length))
    this.#owner.found(this, spoken, this.#wire, { ...this.#arrival, early, ended })
  }

  sniffClosed(): void {
    this.#owner.ended(this)
  }
}
