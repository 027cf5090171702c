import type { HttpEnvironment, HttpLimits } from '../http/environment.js'
import type { Perishable, Ticker } from '../ticker.js'
import { Output } from '../transport/output.js'
import type { Wire, WireReceiver } from '../transport/transport.js'
import { type BodyReceiver, BodyReader } from './body-reader.js'
import { BodyWriter } from './body-writer.js'
import { Carry } from './carry.js'
import { HeadText } from './head-text.js'
import { type Readers, readersFor } from './readers.js'
import { LF } from './syntax.js'
import type { Head } from '../http/head.js'

/** What an exchange that is over on one side gets for the other, and a connection to be closed by its peer. */
export const LINGER_MS = 2000

/** Writes heads for all connections: a head is written in one step. */
export const headText = new HeadText()

/** What both ends of HTTP/1.1 have in common: bytes in, however they are cut, and bytes out, as far as the peer takes them. */
export abstract class Http1Connection implements WireReceiver, Perishable, BodyReceiver {
  deadline = Infinity
  protected readonly wire: Wire
  protected readonly ticker: Ticker
  protected readonly limits: HttpLimits
  protected readonly readers: Readers
  protected readonly output: Output
  protected readonly body: BodyReader
  protected readonly bodyWriter: BodyWriter
  protected readonly carry = new Carry()
  /** The wire is gone. */
  protected isClosed = false
  /** `carry` holds a section that was cut off. */
  protected isPartial = false
  /** `consume` is at work. */
  protected isConsuming = false
  #isHeldBack = false
  #isHolding = false
  #isPaused = false
  /** What the peer had taken when that was last asked, if something waited then; else NaN. */
  #lastTaken = NaN

  protected constructor(wire: Wire, environment: HttpEnvironment) {
    this.wire = wire
    this.ticker = environment.ticker
    this.limits = environment.limits
    this.readers = readersFor(environment.limits)
    this.output = new Output(wire, environment.flusher.later)
    this.body = new BodyReader(this.readers.trailers)
    this.bodyWriter = new BodyWriter(this.output, headText)
    this.ticker.watch(this)
  }

  /** Uses `bytes[at, end)` as far as possible; returns where it stopped. The rest is carried over. */
  protected abstract consume(bytes: Buffer, at: number, end: number): number
  /** Called once, when the wire is gone. */
  protected abstract onGone(error: Error | undefined): void
  /** The peer takes bytes. May be called although it took them before. */
  protected abstract onRoom(): void
  abstract onEnd(): void
  abstract expire(): void
  abstract onBody(bytes: Buffer, offset: number, length: number, end: boolean): void
  abstract onBodyTrailers(trailers: Head): void

  /** What the peer takes, for `Stream`. */
  get credit(): number {
    return this.output.full || this.isClosed ? 0 : Infinity
  }

  get queued(): number {
    return this.output.full ? this.output.pending : 0
  }

  onData(bytes: Buffer, length: number): void {
    if (this.carry.length === 0) return this.#use(bytes, length)
    this.carry.append(bytes, 0, length)
    // A section can only have become complete by the end of a line, or too large.
    const waits = this.isPartial && this.carry.length <= this.limits.maxHeadBytes
    if (!waits || bytes.lastIndexOf(LF, length - 1) >= 0) this.#useCarry()
  }

  onDrain(): void {
    this.output.drained()
    // Whether the output was full before says nothing: it may have become less since somebody was told that it is.
    if (!this.output.full) this.onRoom()
  }

  onClose(error?: Error): void {
    if (this.isClosed) return
    this.isClosed = true
    this.ticker.unwatch(this)
    this.output.close()
    this.onGone(error)
    this.carry.clear()
  }

  /** Reads only as long as somebody takes what is read (see `Stream.allow`). */
  protected holdBack(heldBack: boolean): void {
    this.#isHeldBack = heldBack
    this.#gate()
  }

  /** Reads nothing while bytes of a later message are carried. */
  protected hold(holding: boolean): void {
    this.#isHolding = holding
    this.#gate()
  }

  protected get isHeldBack(): boolean {
    return this.#isHeldBack
  }

  /** Goes on with what is carried once the caller is done. */
  protected continueLater(): void {
    if (this.carry.length > 0 && !this.isConsuming) setImmediate(this.#continue)
    else if (!this.isConsuming) this.hold(false)
  }

  /** Whether bytes wait for the peer, did when this was last asked, and it has taken none since. */
  protected isStalled(): boolean {
    const taken = this.output.pending > 0 ? this.output.taken : NaN
    const stalled = taken === this.#lastTaken
    this.#lastTaken = taken
    return stalled
  }

  #use(bytes: Buffer, length: number): void {
    this.isConsuming = true
    const used = this.consume(bytes, 0, length)
    this.isConsuming = false
    if (used < length && !this.isClosed) this.carry.append(bytes, used, length)
  }

  #useCarry(): void {
    const { carry } = this
    this.isConsuming = true
    const used = this.consume(carry.bytes, carry.start, carry.end)
    this.isConsuming = false
    if (!this.isClosed) carry.dropTo(used)
  }

  readonly #continue = (): void => {
    if (this.isClosed) return
    this.hold(false)
    if (this.carry.length > 0) this.#useCarry()
  }

  #gate(): void {
    const pause = this.#isHeldBack || this.#isHolding
    if (pause === this.#isPaused || this.isClosed) return
    this.#isPaused = pause
    if (pause) this.wire.pause()
    else this.wire.resume()
  }
}
