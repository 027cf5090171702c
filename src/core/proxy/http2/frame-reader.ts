import { NO_BYTES } from '../transport/no-bytes.js'
import { Flag, FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES, FrameType } from './constants.js'

/** Takes frames apart from a FrameReader. Bytes are valid until the call returns. */
export interface FrameSink {
  /** A whole frame with its payload `bytes[offset, offset + length)`: any but an unpadded DATA frame. */
  onFrame(type: number, flags: number, id: number, bytes: Buffer, offset: number, length: number): void
  /**
   * A piece of an unpadded DATA frame, as it arrived: `frameLength` is that of the whole frame for its first piece
   * (which may be empty), -1 for the others; `last` tells the last.
   */
  onDataPiece(
    id: number,
    flags: number,
    frameLength: number,
    bytes: Buffer,
    offset: number,
    length: number,
    last: boolean,
  ): void
  /** A frame longer than we allow (FRAME_SIZE_ERROR). */
  onOversized(): void
}

/** Reserve for the rest of most frames that a chunk cuts in two. */
const CARRY_BYTES = 256

/**
 * Frames out of chunks. A frame that a chunk cuts in two is put together, except for DATA, which is passed on piece by
 * piece: joining buffers would double the cost of bulk transfers.
 */
export class FrameReader {
  /** Set by the sink to stop in the middle of a chunk: the rest is dropped. */
  stopped = false
  readonly #sink: FrameSink
  /** The beginning of a frame, `[0, #carried)`. */
  #carry = NO_BYTES
  #carried = 0
  /** Frames cut in two so far. */
  #cut = 0
  /** Of the DATA frame in hand: bytes to come, stream and flags. */
  #dataLeft = 0
  #dataId = 0
  #dataFlags = 0

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Which frame that is not DATA has begun and not ended, by a number; 0 if none has. */
  get incomplete(): number {
    return this.#carried > 0 ? this.#cut : 0
  }

  read(bytes: Buffer, offset: number, length: number): void {
    let at = offset
    if (this.#carried > 0) at = this.#complete(bytes, at, length)
    if (this.#dataLeft > 0) at = this.#continueData(bytes, at, length)
    while (!this.stopped && length - at >= FRAME_HEADER_BYTES) {
      const frameLength = lengthOf(bytes, at)
      if (frameLength > FRAME_PAYLOAD_BYTES) return this.#sink.onOversized()
      const type = bytes[at + 3]!
      const flags = bytes[at + 4]!
      const id = idOf(bytes, at)
      const start = at + FRAME_HEADER_BYTES
      if (type === FrameType.DATA && (flags & Flag.PADDED) === 0) {
        const here = Math.min(frameLength, length - start)
        at = start + here
        this.#beginData(id, flags, frameLength, bytes, start, here)
      } else {
        if (length - start < frameLength) break
        at = start + frameLength
        this.#sink.onFrame(type, flags, id, bytes, start, frameLength)
      }
    }
    if (!this.stopped && at < length) this.#keep(bytes, at, length)
  }

  #beginData(id: number, flags: number, frameLength: number, bytes: Buffer, start: number, here: number): void {
    this.#dataId = id
    this.#dataFlags = flags
    this.#dataLeft = frameLength - here
    this.#sink.onDataPiece(id, flags, frameLength, bytes, start, here, here === frameLength)
  }

  #continueData(bytes: Buffer, at: number, length: number): number {
    const here = Math.min(this.#dataLeft, length - at)
    if (here === 0 || this.stopped) return at
    this.#dataLeft -= here
    this.#sink.onDataPiece(this.#dataId, this.#dataFlags, -1, bytes, at, here, this.#dataLeft === 0)
    return at + here
  }

  /** Adds to the frame carried over what it lacks, and passes it on if that makes it whole. */
  #complete(bytes: Buffer, at: number, length: number): number {
    at = this.#fill(bytes, at, length, FRAME_HEADER_BYTES)
    if (this.#carried < FRAME_HEADER_BYTES) return at
    const carry = this.#carry
    const frameLength = lengthOf(carry, 0)
    if (frameLength > FRAME_PAYLOAD_BYTES) {
      this.stopped = true
      this.#sink.onOversized()
      return at
    }
    const type = carry[3]!
    const flags = carry[4]!
    const id = idOf(carry, 0)
    if (type === FrameType.DATA && (flags & Flag.PADDED) === 0) {
      this.#carried = 0
      this.#beginData(id, flags, frameLength, carry, FRAME_HEADER_BYTES, 0)
      return at
    }
    const whole = FRAME_HEADER_BYTES + frameLength
    at = this.#fill(bytes, at, length, whole)
    if (this.#carried < whole) return at
    const frame = this.#carry
    this.#carried = 0
    if (frame.length > CARRY_BYTES) this.#carry = NO_BYTES
    this.#sink.onFrame(type, flags, id, frame, FRAME_HEADER_BYTES, frameLength)
    return at
  }

  #keep(bytes: Buffer, at: number, length: number): void {
    this.#cut++
    const whole = length - at < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : FRAME_HEADER_BYTES + lengthOf(bytes, at)
    this.#fill(bytes, at, length, whole)
  }

  /** Appends until `wanted` bytes are carried or the chunk is used up. */
  #fill(bytes: Buffer, at: number, length: number, wanted: number): number {
    if (this.#carry.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(Math.max(wanted, CARRY_BYTES))
      this.#carry.copy(larger, 0, 0, this.#carried)
      this.#carry = larger
    }
    const here = Math.min(wanted - this.#carried, length - at)
    if (here <= 0) return at
    bytes.copy(this.#carry, this.#carried, at, at + here)
    this.#carried += here
    return at + here
  }
}

function lengthOf(bytes: Buffer, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
}

/** The reserved bit "MUST be ignored when receiving" (RFC 9113 §4.1). */
function idOf(bytes: Buffer, at: number): number {
  return ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!
}
