import { type Head, NO_FIELDS } from '../http/head.js'
import type { Broken, Stream, StreamReceiver } from '../http/stream.js'
import type { Output } from '../transport/output.js'
import { CREDIT_CAP, FRAME_PAYLOAD_BYTES, INITIAL_WINDOW, MAX_WINDOW } from './constants.js'
import { writeData, writeWindowUpdate } from './frame-writer.js'
import { SendQueue } from './send-queue.js'

/** The connection as its streams see it. */
export interface StreamOwner {
  readonly output: Output
  /** What the peer takes on the whole connection. */
  connectionCredit: number
  /** DATA frames that carried something, either way. */
  framesMoved: number
  /** Streams open now. */
  readonly active: number
  readonly maxQueuedBytes: number
  /** The current tick. */
  readonly now: number
  writeHead(id: number, block: Buffer, length: number, extra: Buffer, end: boolean): void
  /** A stream has bytes queued that it had not. */
  waits(stream: Http2Stream): void
  /** END_STREAM has been written. */
  localEnded(stream: Http2Stream): void
  /** Sends RST_STREAM and forgets the stream. */
  resetStream(stream: Http2Stream, code: number): void
}

/** What a stream with few siblings may be granted beyond the window all have. */
const SHARED_CREDIT = 1024 * 1024

/** Hears nothing: until a request's receiver is known, and after a stream is over. */
const deafStream: StreamReceiver = {
  onInterim() {},
  onHead() {},
  onData() {},
  onTrailers() {},
  onBroken() {},
  onCredit() {},
}

/** One stream of an HTTP/2 connection, of either role. */
export class Http2Stream implements Stream {
  receiver = deafStream
  /** What the peer takes on this stream. A change of its settings may make it negative (RFC 9113 §6.9.2). */
  window: number
  /** What the peer may still send on this stream. */
  granted = INITIAL_WINDOW
  /** What the body must still bring (RFC 9113 §8.1.1); -1 where no `content-length` says. */
  expected = -1
  /** The final response's head has come or, on a server, the request's. */
  answered = false
  /** Of a client: the request was HEAD, whose response has no body whatever its `content-length`. */
  bodiless = false
  /** END_STREAM has come. */
  remoteEnded = false
  /** END_STREAM has been written. */
  localEnded = false
  /** Nothing more happens on this stream. */
  over = false
  /** The tick at which bytes last moved towards the peer while some were queued. */
  movedAt = 0
  /** There was no memory left for its queue: to be reset, which waits for the next tick since nobody expects it inside `sendData`. */
  overloaded = false
  /** `output.writes` when a client opened it. */
  openedAt = 0
  queue: SendQueue | undefined = undefined
  /** What was asked to follow the queue: END_STREAM, or trailers. */
  #ending = false
  #trailers: Buffer | undefined = undefined
  #fate: Broken | undefined = undefined

  constructor(
    readonly owner: StreamOwner,
    readonly id: number,
    window: number,
  ) {
    this.window = window
  }

  /** A socket that does not keep up counts as a window of nothing. */
  get credit(): number {
    return this.window > 0 && this.owner.output.full ? 0 : this.window
  }

  get queued(): number {
    if (this.overloaded) return Infinity
    return this.queue === undefined ? 0 : this.queue.length
  }

  sendInterim(head: Head): void {
    if (this.over || this.#ending) return
    this.owner.writeHead(this.id, head.block, head.length, NO_FIELDS, false)
  }

  sendHead(head: Head, extra: Buffer, end: boolean): void {
    if (this.over || this.#ending) return
    this.owner.writeHead(this.id, head.block, head.length, extra, end)
    if (end) this.#ended()
  }

  sendData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    if (this.over || this.#ending || this.overloaded) return
    if (end) this.#ending = true
    const { owner } = this
    if (this.queue === undefined) {
      let now = owner.output.full ? 0 : Math.min(length, this.window, owner.connectionCredit)
      if (now < 0) now = 0
      if (now > 0 || (end && length === 0)) this.#write(bytes, offset, now, end && now === length)
      if (now === length) return
      offset += now
      length -= now
    }
    if (length > 0) this.#enqueue(bytes, offset, length)
  }

  sendTrailers(head: Head): void {
    if (this.over || this.#ending || this.overloaded) return
    this.#ending = true
    if (this.queue === undefined) {
      this.owner.writeHead(this.id, head.block, head.length, NO_FIELDS, true)
      this.#ended()
    } else {
      this.#trailers = Buffer.from(head.block.subarray(0, head.length))
    }
  }

  reset(code: number): void {
    if (!this.over) this.owner.resetStream(this, code)
  }

  /**
   * Grants the peer room up to T = max(W, min(w, CAP)), where W is the window we advertise and w the credit where the
   * bytes go, less what is queued there and what the peer still holds; once it holds no more than half. Passing window
   * updates on one for one would stall with a receiver that updates only after consuming half of a larger window.
   */
  allow(credit: number, queued: number): void {
    if (this.remoteEnded || this.over) return
    let target = INITIAL_WINDOW
    if (credit > INITIAL_WINDOW) {
      target = Math.max(target, Math.min(credit, CREDIT_CAP, SHARED_CREDIT / Math.max(1, this.owner.active)) | 0)
    }
    const { granted } = this
    const grant = target - queued - granted
    if (granted > target >> 1 || grant <= 0) return
    this.granted = granted + grant
    writeWindowUpdate(this.owner.output, this.id, grant)
    this.owner.output.commit()
  }

  /** The peer takes `increment` more. False if that is more than a window can be. */
  widen(increment: number): boolean {
    this.window += increment
    return this.window <= MAX_WINDOW
  }

  /** Sends one frame of what is queued, if there is credit for any of it. Tells whether it did. */
  pump(): boolean {
    const { owner, queue } = this
    if (queue === undefined || owner.output.full) return false
    const length = Math.min(queue.contiguous, this.window, owner.connectionCredit, FRAME_PAYLOAD_BYTES)
    if (length <= 0) return false
    const last = length === queue.length
    this.movedAt = owner.now
    const trailers = this.#trailers
    const ends = last && this.#ending
    this.#write(queue.bytes, queue.start, length, ends && trailers === undefined)
    if (this.queue === undefined) return true
    queue.shift(length)
    if (!last) return true
    this.dropQueue()
    if (ends && trailers !== undefined) {
      owner.writeHead(this.id, trailers, trailers.length, NO_FIELDS, true)
      this.#ended()
    }
    return true
  }

  dropQueue(): void {
    if (this.queue === undefined) return
    this.queue.clear()
    this.queue = undefined
  }

  /** Nothing more happens: callbacks are let go and memory is given back. */
  finish(): void {
    this.over = true
    this.dropQueue()
  }

  /** Ends the stream for its receiver. */
  broken(code: number, processed: Broken['processed'], reason: string): void {
    this.finish()
    if (this.receiver === deafStream) this.#fate = { code, processed, reason }
    else this.receiver.onBroken({ code, processed, reason })
  }

  /** The head has been sent with END_STREAM. */
  endsAtOnce(): void {
    this.#ended()
  }

  /** Sets who hears of the stream, and tells it if the stream was broken off before that. */
  heardBy(receiver: StreamReceiver): void {
    this.receiver = receiver
    if (this.#fate !== undefined) receiver.onBroken(this.#fate)
  }

  /** DATA frames for bytes that the peer's windows take. */
  #write(bytes: Buffer, offset: number, length: number, end: boolean): void {
    const { owner } = this
    this.window -= length
    owner.connectionCredit -= length
    owner.framesMoved++
    while (length > FRAME_PAYLOAD_BYTES) {
      writeData(owner.output, this.id, bytes, offset, FRAME_PAYLOAD_BYTES, false)
      offset += FRAME_PAYLOAD_BYTES
      length -= FRAME_PAYLOAD_BYTES
    }
    writeData(owner.output, this.id, bytes, offset, length, end)
    owner.output.commit()
    if (end) this.#ended()
  }

  #enqueue(bytes: Buffer, offset: number, length: number): void {
    const { owner } = this
    if (this.queue === undefined) {
      this.queue = new SendQueue()
      this.movedAt = owner.now
      owner.waits(this)
    }
    if (this.queue.exceeds(length, owner.maxQueuedBytes)) {
      this.overloaded = true
      return this.dropQueue()
    }
    this.queue.push(bytes, offset, length)
  }

  #ended(): void {
    this.#ending = true
    this.localEnded = true
    this.owner.localEnded(this)
  }
}
