import type { HttpLimits } from '../http/environment.js'
import { ErrorCode } from '../http/stream.js'
import { Flag, FrameType, MAX_STREAM_ID, MAX_WINDOW } from './constants.js'
import { type FrameSink, FrameReader } from './frame-reader.js'
import { SectionAssembly } from './section-assembly.js'

/** Takes what well-formed frames say. Bytes are valid until the call returns. */
export interface FrameHandler {
  /** A complete header section `bytes[from, to)`. `malformed`: its stream depends on itself. */
  onSection(id: number, end: boolean, malformed: boolean, bytes: Buffer, from: number, to: number): void
  /** A DATA frame begins, its padding counted. False if its pieces are to be dropped without a word. */
  onDataBegin(id: number, end: boolean, length: number): boolean
  /** A piece of it, and how much padding there was besides; id 0 if it is to be dropped. `end`: of the stream. */
  onPiece(id: number, bytes: Buffer, offset: number, length: number, padding: number, end: boolean): void
  onReset(id: number, code: number): void
  /** `increment` may be 0, which is a fault of the stream or the connection. */
  onWindowUpdate(id: number, increment: number): void
  onSettings(bytes: Buffer, offset: number, length: number): void
  onSettingsAck(): void
  /** A PING with eight octets at `offset`. */
  onPing(bytes: Buffer, offset: number): void
  onPingAck(): void
  onGoAway(lastId: number, code: number): void
  /** A frame that says nothing: PRIORITY, or of an unknown type. */
  onVoid(): void
  /** A frame that is a fault of its stream only. */
  onStreamFault(id: number, code: number, reason: string): void
  /** A connection error. Nothing more is parsed. */
  onFault(code: number, reason: string): void
}

/** Checks the form and the order of frames (RFC 9113 §4, §6), and takes them apart. */
export class FrameParser implements FrameSink {
  /** The peer's first SETTINGS have come, which nothing may precede. */
  settled = false
  readonly #reader = new FrameReader(this)
  readonly #assembly = new SectionAssembly()
  readonly #handler: FrameHandler
  readonly #limits: HttpLimits
  /** Pieces of the DATA frame in hand go to nobody. */
  #dropping = false

  constructor(handler: FrameHandler, limits: HttpLimits) {
    this.#handler = handler
    this.#limits = limits
  }

  /** Which frame other than DATA, or which header section, has begun and not ended, by a number; 0 if none has. */
  get incomplete(): number {
    return this.#assembly.id === 0 ? this.#reader.incomplete : -this.#assembly.id
  }

  read(bytes: Buffer, offset: number, length: number): void {
    this.#reader.read(bytes, offset, length)
  }

  /** Drops the rest of the chunk in hand. */
  stop(): void {
    this.#reader.stopped = true
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, offset: number, length: number): void {
    if (!this.#expects(type, flags, id)) return
    switch (type) {
      case FrameType.DATA:
        return this.#paddedData(flags, id, bytes, offset, length)
      case FrameType.HEADERS:
        return this.#headers(flags, id, bytes, offset, length)
      case FrameType.PRIORITY:
        return this.#priority(id, bytes, offset, length)
      case FrameType.RST_STREAM:
        if (id === 0) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'RST_STREAM on stream 0')
        if (length !== 4) return this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'RST_STREAM of a wrong length')
        return this.#handler.onReset(id, bytes.readUInt32BE(offset))
      case FrameType.SETTINGS:
        return this.#settings(flags, id, bytes, offset, length)
      case FrameType.PUSH_PROMISE:
        return this.#fault(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE')
      case FrameType.PING:
        if (id !== 0) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'PING on a stream')
        if (length !== 8) return this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'PING of a wrong length')
        return (flags & Flag.ACK) !== 0 ? this.#handler.onPingAck() : this.#handler.onPing(bytes, offset)
      case FrameType.GOAWAY:
        if (id !== 0) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'GOAWAY on a stream')
        if (length < 8) return this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'GOAWAY too short')
        return this.#handler.onGoAway(bytes.readUInt32BE(offset) & MAX_STREAM_ID, bytes.readUInt32BE(offset + 4))
      case FrameType.WINDOW_UPDATE:
        if (length !== 4) return this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'WINDOW_UPDATE of a wrong length')
        return this.#handler.onWindowUpdate(id, bytes.readUInt32BE(offset) & MAX_WINDOW)
      case FrameType.CONTINUATION:
        return this.#continuation(flags, bytes, offset, length)
      default:
        // "Implementations MUST ignore and discard frames of unknown types." (RFC 9113 §4.1)
        this.#handler.onVoid()
    }
  }

  onDataPiece(
    id: number,
    flags: number,
    frameLength: number,
    bytes: Buffer,
    offset: number,
    length: number,
    last: boolean,
  ): void {
    const end = (flags & Flag.END_STREAM) !== 0
    if (frameLength >= 0 && !this.#dataBegins(id, flags, end, frameLength)) return
    this.#handler.onPiece(this.#dropping ? 0 : id, bytes, offset, length, 0, last && end)
  }

  onOversized(): void {
    this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'a frame larger than allowed')
  }

  #expects(type: number, flags: number, id: number): boolean {
    if (!this.settled && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      this.#fault(ErrorCode.PROTOCOL_ERROR, 'the connection does not begin with SETTINGS')
      return false
    }
    const expected = this.#assembly.id
    if ((type === FrameType.CONTINUATION || expected !== 0) && (type !== FrameType.CONTINUATION || id !== expected)) {
      this.#fault(
        ErrorCode.PROTOCOL_ERROR,
        expected === 0 ? 'CONTINUATION of nothing' : 'a frame amid a header section',
      )
      return false
    }
    return true
  }

  /** False after a connection error. */
  #dataBegins(id: number, flags: number, end: boolean, length: number): boolean {
    if (!this.#expects(FrameType.DATA, flags, id)) return false
    if (id === 0) {
      this.#fault(ErrorCode.PROTOCOL_ERROR, 'DATA on stream 0')
      return false
    }
    this.#dropping = !this.#handler.onDataBegin(id, end, length)
    return !this.#reader.stopped
  }

  #paddedData(flags: number, id: number, bytes: Buffer, offset: number, length: number): void {
    const padding = length > 0 ? bytes[offset]! + 1 : 1
    if (padding > length) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'more padding than frame')
    const end = (flags & Flag.END_STREAM) !== 0
    if (!this.#dataBegins(id, flags, end, length)) return
    this.#handler.onPiece(this.#dropping ? 0 : id, bytes, offset + 1, length - padding, padding, end)
  }

  #headers(flags: number, id: number, bytes: Buffer, offset: number, length: number): void {
    if (id === 0) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'HEADERS on stream 0')
    let from = offset
    let to = offset + length
    let malformed = false
    if ((flags & (Flag.PADDED | Flag.PRIORITY)) !== 0) {
      const needed = ((flags & Flag.PADDED) === 0 ? 0 : 1) + ((flags & Flag.PRIORITY) === 0 ? 0 : 5)
      if (length < needed) return this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'HEADERS too short')
      if ((flags & Flag.PADDED) !== 0) to -= bytes[from++]!
      if ((flags & Flag.PRIORITY) !== 0) {
        malformed = (bytes.readUInt32BE(from) & MAX_STREAM_ID) === id
        from += 5
      }
      if (to < from) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'more padding than frame')
    }
    const end = (flags & Flag.END_STREAM) !== 0
    if ((flags & Flag.END_HEADERS) !== 0) return this.#handler.onSection(id, end, malformed, bytes, from, to)
    this.#assembly.begin(id, end, malformed)
    this.#addToSection(bytes, from, to - from)
  }

  #continuation(flags: number, bytes: Buffer, offset: number, length: number): void {
    const assembly = this.#assembly
    if (++assembly.continuations > this.#limits.maxContinuations) {
      return this.#fault(ErrorCode.ENHANCE_YOUR_CALM, 'too many CONTINUATION frames')
    }
    if (!this.#addToSection(bytes, offset, length) || (flags & Flag.END_HEADERS) === 0) return
    const { id, end, malformed } = assembly
    const block = assembly.take()
    this.#handler.onSection(id, end, malformed, block, 0, block.length)
  }

  #addToSection(bytes: Buffer, offset: number, length: number): boolean {
    if (this.#assembly.length + length > this.#limits.maxHeadBytes) {
      this.#fault(ErrorCode.ENHANCE_YOUR_CALM, 'a header section larger than allowed')
      return false
    }
    this.#assembly.add(bytes, offset, length)
    return true
  }

  #settings(flags: number, id: number, bytes: Buffer, offset: number, length: number): void {
    if (id !== 0) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'SETTINGS on a stream')
    if (length % 6 !== 0) return this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS of a wrong length')
    if ((flags & Flag.ACK) === 0) return this.#handler.onSettings(bytes, offset, length)
    if (length > 0) return this.#fault(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS acknowledged with a payload')
    this.#handler.onSettingsAck()
  }

  /** "The PRIORITY frame … is deprecated" (RFC 9113 §5.3.2) and has no effect, but it has a form. */
  #priority(id: number, bytes: Buffer, offset: number, length: number): void {
    if (id === 0) return this.#fault(ErrorCode.PROTOCOL_ERROR, 'PRIORITY on stream 0')
    if (length !== 5) return this.#handler.onStreamFault(id, ErrorCode.FRAME_SIZE_ERROR, 'PRIORITY of a wrong length')
    if ((bytes.readUInt32BE(offset) & MAX_STREAM_ID) === id) {
      return this.#handler.onStreamFault(id, ErrorCode.PROTOCOL_ERROR, 'a stream that depends on itself')
    }
    this.#handler.onVoid()
  }

  #fault(code: number, reason: string): void {
    this.stop()
    this.#handler.onFault(code, reason)
  }
}
