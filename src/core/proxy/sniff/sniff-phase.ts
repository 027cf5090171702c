import type { Clock } from '../../runtime.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { Wire, WireReceiver } from '../transport/transport.js'
import { classify, guess, MAX_SNIFFED, type Spoken } from './classify.js'

export interface SniffOwner {
  /**
   * What the client speaks is known, or nothing more is waited for. `bytes[0, length)` is all it said so far, valid until this
   * returns; `ended` that it will say no more. The wire is paused and needs a new receiver.
   */
  sniffed(spoken: Spoken, bytes: Buffer, length: number, ended: boolean): void
  /** The client broke the connection off. */
  sniffClosed(): void
}

/**
 * The stage of a connection in which its protocol is found out. The time runs from the start and is not extended by
 * single bytes, since a client of a server-first protocol waits for us to speak. Calls its owner once, unless
 * cancelled first.
 */
export class SniffPhase implements WireReceiver {
  readonly #wire: Wire
  readonly #owner: SniffOwner
  readonly #cancelTimer: () => void
  /** What came so far, once a piece was too little to tell. */
  #held: Buffer | undefined
  #length = 0
  #over = false

  /**
   * Takes over the wire and begins to read. `early` is what was read from it before; where that is enough, the owner hears
   * before this returns.
   */
  constructor(
    wire: Wire,
    early: Buffer | undefined,
    clock: Pick<Clock, 'after'>,
    timeoutMs: number,
    owner: SniffOwner,
  ) {
    this.#wire = wire
    this.#owner = owner
    wire.receiver = this
    // After a stall of this process what the client said may still wait in the kernel: it is read before `setImmediate`.
    this.#cancelTimer = clock.after(timeoutMs, () => setImmediate(() => this.#giveUpWaiting(false)))
    if (early && early.length > 0) this.onData(early, early.length)
    if (!this.#over) wire.resume()
  }

  cancel(): void {
    this.#over = true
    this.#cancelTimer()
  }

  onData(bytes: Buffer, length: number): void {
    if (this.#over) return
    if (this.#length === 0) {
      const spoken = classify(bytes, length)
      if (spoken) return this.#tell(spoken, bytes, length, false)
    }
    const held = this.#hold(bytes, length)
    const spoken = classify(held, this.#length)
    if (spoken) this.#tell(spoken, held, this.#length, false)
  }

  onEnd(): void {
    this.#giveUpWaiting(true)
  }

  onDrain(): void {}

  onClose(): void {
    if (this.#over) return
    this.cancel()
    this.#owner.sniffClosed()
  }

  #giveUpWaiting(ended: boolean): void {
    if (this.#over) return
    const held = this.#held ?? NO_BYTES
    this.#tell(guess(held, this.#length), held, this.#length, ended)
  }

  #tell(spoken: Spoken, bytes: Buffer, length: number, ended: boolean): void {
    this.cancel()
    this.#wire.pause()
    this.#owner.sniffed(spoken, bytes, length, ended)
  }

  /** Keeps a copy. What is undecided is below MAX_SNIFFED, so only the last piece can need more room than that. */
  #hold(bytes: Buffer, length: number): Buffer {
    const needed = this.#length + length
    if (!this.#held || needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#held ? MAX_SNIFFED : INITIAL))
      this.#held?.copy(larger, 0, 0, this.#length)
      this.#held = larger
    }
    bytes.copy(this.#held, this.#length, 0, length)
    this.#length = needed
    return this.#held
  }
}

const INITIAL = 512
