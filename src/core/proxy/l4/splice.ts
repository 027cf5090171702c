import type { EndpointMeter } from '../meters.js'
import { type Perishable, type Ticker, ticksOf } from '../ticker.js'
import type { Wire, WireReceiver } from '../transport/transport.js'

/** How long a client may take for an answer that is complete once its connection to the upstream is gone, milliseconds. */
const LINGER_MS = 30_000

export interface SpliceOwner {
  /** Both wires are gone. `upstreamFailed`: the upstream broke the connection off. Called once. */
  spliceClosed(upstreamFailed: boolean): void
}

/**
 * Two wires relayed into each other until both are closed. Ends of stream (FIN) and resets (RST) pass in both
 * directions, each direction on its own; a peer that does not keep up stops the reading of the other.
 */
export class Splice implements Perishable {
  deadline: number
  /** What the client sends has nowhere to go any more. */
  lingers = false
  readonly #owner: SpliceOwner
  readonly #ticker: Ticker
  readonly #idleTicks: number
  readonly #down: Flow
  readonly #up: Flow
  #failed: Flow | undefined
  #open = 2

  /** Takes over both wires and begins to read. `ticker` must be told by the owner to watch this. */
  constructor(down: Wire, up: Wire, meter: EndpointMeter, ticker: Ticker, idleTicks: number, owner: SpliceOwner) {
    this.#owner = owner
    this.#ticker = ticker
    this.#idleTicks = idleTicks
    this.deadline = ticker.now + idleTicks
    this.#down = new Flow(down, up, this, meter, true)
    this.#up = new Flow(up, down, this, meter, false)
    down.receiver = this.#down
    up.receiver = this.#up
    down.resume()
    up.resume()
  }

  /** Something moved. */
  touch(): void {
    if (!this.lingers) this.deadline = this.#ticker.now + this.#idleTicks
  }

  /** Nothing moved for the idle time: an orderly close, since no data is cut short. */
  expire(): void {
    this.#down.wire.close()
    this.#up.wire.close()
  }

  /** Breaks off both sides at once. */
  reset(): void {
    this.#down.wire.reset()
    this.#up.wire.reset()
  }

  wireClosed(flow: Flow, error: Error | undefined): void {
    if (error && flow === this.#up && flow.ended && this.#open === 2) {
      this.#linger()
    } else if (error) {
      this.#failed ??= flow
      const other = flow === this.#up ? this.#down : this.#up
      // A broken stream must not look like a complete one.
      other.wire.reset()
    }
    if (--this.#open === 0) this.#owner.spliceClosed(this.#failed === this.#up)
  }

  /**
   * The upstream ended its answer and takes nothing more. A reset would lose what the client has not received yet, so
   * the client is read from and ignored until it has the answer and ends too (nginx's lingering_close).
   */
  #linger(): void {
    this.lingers = true
    this.deadline = this.#ticker.now + Math.min(this.#idleTicks, ticksOf(LINGER_MS))
    this.#down.wire.resume()
  }
}

/** What arrives at one wire and leaves by the other. */
class Flow implements WireReceiver {
  readonly wire: Wire
  /** Whether all that arrives has arrived (FIN). */
  ended = false
  readonly #to: Wire
  readonly #splice: Splice
  readonly #meter: EndpointMeter
  readonly #towardsUpstream: boolean

  constructor(wire: Wire, to: Wire, splice: Splice, meter: EndpointMeter, towardsUpstream: boolean) {
    this.wire = wire
    this.#to = to
    this.#splice = splice
    this.#meter = meter
    this.#towardsUpstream = towardsUpstream
  }

  onData(bytes: Buffer, length: number): void {
    if (this.#splice.lingers) return
    if (this.#towardsUpstream) this.#meter.bytesSent += length
    else this.#meter.bytesReceived += length
    this.#splice.touch()
    if (!this.#to.write(bytes, length)) this.wire.pause()
  }

  onEnd(): void {
    this.ended = true
    this.#to.end()
  }

  onDrain(): void {
    this.#splice.touch()
    this.#to.resume()
  }

  onClose(error?: Error): void {
    this.#splice.wireClosed(this, error)
  }
}
