import type { HttpEnvironment } from '../http/environment.js'
import { Head } from '../http/head.js'
import { ErrorCode } from '../http/stream.js'
import { type Perishable, ticksOf } from '../ticker.js'
import { OUTPUT_LIMIT } from '../transport/output.js'
import type { Wire, WireReceiver } from '../transport/transport.js'
import { Budget } from './budget.js'
import { CONNECTION_WINDOW, Flag, INITIAL_TABLE_SIZE, INITIAL_WINDOW, MAX_WINDOW } from './constants.js'
import { type FrameHandler, FrameParser } from './frame-parser.js'
import * as write from './frame-writer.js'
import { HpackDecoder, type RoleCode, Verdict, type VerdictCode } from './hpack/decoder.js'
import type { PeerSettings } from './peer-settings.js'
import type { Http2Stream } from './stream.js'
import { processed, StreamKeeper } from './stream-keeper.js'
import { Timeouts } from './timeouts.js'

/** The head that sections are decoded into: one for the process, since it is valid only until it has been handed over. */
export const HEAD = new Head()

/** How long a peer may take to close its side once we have said that we close, milliseconds. */
const LINGER_MS = 1000
/**
 * Unwritten bytes beyond which a connection is not read. Well above what DATA may make them: two ends that each stop reading
 * because of their own DATA would wait for each other.
 */
const READING_LIMIT = 4 * OUTPUT_LIMIT
/** Between two looks at what takes too long, in ticks. */
const SCAN_TICKS = 5

/**
 * What both roles of an HTTP/2 connection share: settings, windows, faults, and how it ends. Roles add what
 * they make of header sections. Nothing throws for a peer's reason.
 */
export abstract class Http2Connection extends StreamKeeper implements WireReceiver, FrameHandler, Perishable {
  deadline: number
  protected readonly peer: PeerSettings
  /** Nothing more is taken in: a GOAWAY is on its way, or the wire is closed. */
  protected closing = false
  readonly #wire: Wire
  readonly #parser: FrameParser
  readonly #decoder: HpackDecoder
  readonly #controls: Budget
  readonly #timeouts: Timeouts
  /** What the peer may still send on the connection. */
  #granted = CONNECTION_WINDOW
  #paused = false
  #gone = false
  #error: Error | undefined

  constructor(wire: Wire, environment: HttpEnvironment, peer: PeerSettings, trusted: boolean) {
    super(wire, environment)
    const { limits, ticker } = environment
    this.#wire = wire
    this.peer = peer
    this.#parser = new FrameParser(this, limits)
    this.#decoder = new HpackDecoder(limits, trusted)
    this.#controls = new Budget(limits.controlBurst, limits.controlsPerSecond, ticker.now)
    this.#timeouts = new Timeouts(limits, ticker.now)
    this.deadline = ticker.now + SCAN_TICKS
  }

  /** Breaks everything off at once. Idempotent. */
  abort(): void {
    if (this.#gone) return
    this.#stop()
    this.endStreams(ErrorCode.CANCEL, 'the connection was closed')
    this.output.flush()
    this.#wire.close()
  }

  /** Takes the wire over: sends the settings, opens the connection's window and begins to read. */
  protected start(settings: readonly (readonly [id: number, value: number])[]): void {
    write.writeSettings(this.output, settings)
    write.writeWindowUpdate(this.output, 0, CONNECTION_WINDOW - INITIAL_WINDOW)
    this.output.commit()
    this.environment.ticker.watch(this)
    this.#wire.receiver = this
    this.#wire.resume()
  }

  // What a role makes of its peer.

  abstract onSection(id: number, end: boolean, malformed: boolean, bytes: Buffer, from: number, to: number): void
  abstract onGoAway(lastId: number, code: number): void
  abstract onPingAck(): void
  /** Whether no stream has ever had this id. */
  protected abstract isIdle(id: number): boolean
  /** The highest id of the peer's streams that were taken. */
  protected abstract lastTaken(): number
  /** The peer reset a stream or made us reset one. False if that was once too often. */
  protected abstract mayReset(): boolean
  protected abstract settingsChanged(): void
  /** The peer broke the protocol or a limit. May be called again. */
  protected abstract faulted(reason: string): void
  /** Called every half second. */
  protected abstract scanned(): void
  /** The wire is gone. */
  protected abstract closed(error: Error | undefined): void

  // The wire.

  onData(bytes: Buffer, length: number): void {
    this.read(bytes, 0, length)
  }

  protected read(bytes: Buffer, offset: number, length: number): void {
    if (this.closing) return
    this.#parser.read(bytes, offset, length)
    this.#timeouts.incomplete(this.#parser.incomplete, this.now)
    // Only its own answers keep a connection from being read: other streams share it.
    if (this.output.pending > READING_LIMIT && !this.#paused) {
      this.#paused = true
      this.#wire.pause()
    }
  }

  onEnd(): void {
    if (this.closing) return this.#wire.close()
    this.#stop()
    this.endStreams(ErrorCode.CONNECT_ERROR, 'the peer closed the connection')
    this.#finish()
  }

  onDrain(): void {
    this.output.drained()
    if (this.closing) {
      if (this.#wire.pending === 0) this.#linger()
      return
    }
    if (this.#paused && this.output.pending <= READING_LIMIT) {
      this.#paused = false
      this.#wire.resume()
    }
    this.waiting.pump()
    for (const stream of this.streams.all()) if (!stream.over) stream.receiver.onCredit()
  }

  onClose(error?: Error): void {
    this.#gone = true
    this.environment.ticker.unwatch(this)
    if (!this.closing) this.#error = error
    this.#stop()
    this.endStreams(ErrorCode.CONNECT_ERROR, error ? error.message : 'the connection was closed')
    this.output.close()
    this.#decoder.close()
    this.closed(this.#error)
  }

  // Time.

  expire(): void {
    if (this.closing) return this.#wire.close()
    const { now } = this
    this.deadline = now + SCAN_TICKS
    const late = this.#timeouts.late(now, this.#wire.pending, this.output.taken)
    if (late !== undefined) {
      this.onFault(late.code, late.reason)
      if (late.stuck) this.abort()
      return
    }
    if (this.streams.size > 0) this.#timeouts.idleSince = now
    else if (this.#timeouts.idle(now)) return this.close('idle')
    this.waiting.reset(now - this.#timeouts.stallTicks)
    if (!this.closing) this.scanned()
  }

  // Frames.

  onDataBegin(id: number, end: boolean, length: number): boolean {
    if (length > this.#granted) {
      this.onFault(ErrorCode.FLOW_CONTROL_ERROR, 'more DATA than the connection window allows')
      return false
    }
    const stream = this.streams.get(id)
    if (stream === undefined) {
      // A peer may not have heard yet that we reset a stream.
      if (this.isIdle(id)) this.onFault(ErrorCode.PROTOCOL_ERROR, 'DATA on an idle stream')
      else if (!this.resetIds.has(id)) this.onFault(ErrorCode.STREAM_CLOSED, 'DATA on a closed stream')
      else if (length === 0) this.onVoid()
      return false
    }
    if (length === 0 && !end) this.onVoid()
    if (stream.remoteEnded) this.fail(stream, ErrorCode.STREAM_CLOSED, 'DATA after END_STREAM')
    else if (!stream.answered) this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'DATA before a response')
    else if (length > stream.granted) {
      this.fail(stream, ErrorCode.FLOW_CONTROL_ERROR, 'more DATA than the stream window allows')
    }
    return !stream.over
  }

  onPiece(id: number, bytes: Buffer, offset: number, length: number, padding: number, end: boolean): void {
    this.#received(length + padding)
    const stream = this.streams.get(id)
    if (stream === undefined) return
    stream.granted -= length + padding
    if (stream.expected >= 0) {
      stream.expected -= length
      if (stream.expected < 0 || (end && stream.expected > 0)) {
        return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'DATA other than content-length says')
      }
    }
    if (end) {
      const closes = this.remoteEnds(stream)
      stream.receiver.onData(bytes, offset, length, true)
      if (closes) this.streamClosed()
    } else if (length > 0) {
      this.framesMoved++
      stream.receiver.onData(bytes, offset, length, false)
    } else if (padding > 0) {
      this.onVoid()
    }
  }

  onReset(id: number, code: number): void {
    const stream = this.streams.get(id)
    if (stream === undefined && this.isIdle(id)) {
      return this.onFault(ErrorCode.PROTOCOL_ERROR, 'RST_STREAM on an idle stream')
    }
    if (!this.mayReset()) return this.onFault(ErrorCode.ENHANCE_YOUR_CALM, 'too many resets')
    if (stream === undefined) return
    this.forget(stream)
    const refused = code === ErrorCode.REFUSED_STREAM && !stream.answered
    stream.broken(code, refused ? 'no' : processed(stream), 'the peer reset the stream')
    this.streamClosed()
  }

  onWindowUpdate(id: number, increment: number): void {
    if (id === 0) {
      this.connectionCredit += increment
      if (increment === 0) this.onFault(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0')
      else if (this.connectionCredit > MAX_WINDOW) {
        this.onFault(ErrorCode.FLOW_CONTROL_ERROR, 'a connection window beyond 2^31-1')
      } else this.waiting.pump()
      return
    }
    const stream = this.streams.get(id)
    if (stream === undefined) {
      if (this.isIdle(id)) this.onFault(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE on an idle stream')
      return
    }
    if (increment === 0) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0')
    if (!stream.widen(increment)) return this.fail(stream, ErrorCode.FLOW_CONTROL_ERROR, 'a window beyond 2^31-1')
    this.waiting.pumpOne(stream)
    if (!stream.over) stream.receiver.onCredit()
  }

  onSettings(bytes: Buffer, offset: number, length: number): void {
    if (this.#parser.settled && !this.#mayControl()) return
    const window = this.peer.initialWindow
    const wrong = this.peer.apply(bytes, offset, length)
    if (wrong) return this.onFault(wrong.code, wrong.reason)
    this.#parser.settled = true
    this.#timeouts.settled = true
    if (this.peer.tableSize < INITIAL_TABLE_SIZE) this.giveUpTable()
    write.writeSettingsAck(this.output)
    this.output.commit()
    if (this.peer.initialWindow !== window) this.#resizeWindows(this.peer.initialWindow - window)
    if (!this.closing) this.settingsChanged()
  }

  onSettingsAck(): void {
    this.#timeouts.settingsAnswered = true
  }

  onPing(bytes: Buffer, offset: number): void {
    if (!this.#mayControl()) return
    write.writePing(this.output, bytes, offset, Flag.ACK)
    this.output.commit()
  }

  onVoid(): void {
    this.#mayControl()
  }

  /** Of a PRIORITY frame: a stream that is not open cannot be reset. */
  onStreamFault(id: number, code: number, reason: string): void {
    const stream = this.streams.get(id)
    if (stream === undefined) this.onFault(code, reason)
    else this.fail(stream, code, reason)
  }

  onFault(code: number, reason: string): void {
    if (this.closing) return
    this.#error = new Error(reason)
    this.#stop()
    write.writeGoAway(this.output, this.lastTaken(), code, reason)
    this.faulted(reason)
    this.endStreams(code, reason)
    this.#finish()
  }

  // Streams.

  /** A stream error (RFC 9113 §5.4.2) of the peer's making. */
  protected fail(stream: Http2Stream, code: number, reason: string): void {
    this.giveUp(stream, code, reason)
    this.blame(reason)
  }

  /** The peer broke a rule of one stream, which has been dealt with. */
  protected blame(reason: string): void {
    this.faulted(reason)
    if (!this.mayReset()) this.onFault(ErrorCode.ENHANCE_YOUR_CALM, 'too many resets')
  }

  /** Decodes a section into HEAD; after a compression error the connection is over. */
  protected decode(bytes: Buffer, from: number, to: number, role: RoleCode): VerdictCode {
    const verdict = this.#decoder.decode(bytes, from, to, role, HEAD)
    if (verdict === Verdict.COMPRESSION_ERROR) this.onFault(ErrorCode.COMPRESSION_ERROR, this.#decoder.reason)
    return verdict
  }

  /** Why the last section was not decoded. */
  protected get reason(): string {
    return this.#decoder.reason
  }

  /** A section behind a stream's head: it must end the stream (RFC 9113 §8.1). */
  protected trailers(stream: Http2Stream, end: boolean, malformed: boolean, verdict: VerdictCode): void {
    if (stream.remoteEnded) return this.fail(stream, ErrorCode.STREAM_CLOSED, 'HEADERS after END_STREAM')
    if (verdict !== Verdict.OK) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, this.reason)
    if (!end || malformed) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'a second header section')
    if (stream.expected > 0) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'DATA other than content-length says')
    const closes = this.remoteEnds(stream)
    stream.receiver.onTrailers(HEAD)
    if (closes) this.streamClosed()
  }

  /** Credits the connection's window on receipt: one stalled stream must not stop the others. */
  #received(length: number): void {
    this.#granted -= length
    if (this.#granted > CONNECTION_WINDOW / 2) return
    write.writeWindowUpdate(this.output, 0, CONNECTION_WINDOW - this.#granted)
    this.output.commit()
    this.#granted = CONNECTION_WINDOW
  }

  #resizeWindows(difference: number): void {
    const streams = this.streams.all()
    for (const stream of streams) {
      if (!stream.widen(difference)) return this.onFault(ErrorCode.FLOW_CONTROL_ERROR, 'a window beyond 2^31-1')
    }
    this.waiting.pump()
    for (const stream of streams) if (!stream.over) stream.receiver.onCredit()
  }

  /** Charges a frame that carries nothing; DATA pays for as many, since gRPC peers measure by PING while they transfer. */
  #mayControl(): boolean {
    const { now } = this
    if (this.#controls.spend(now)) return true
    this.#controls.earn(this.framesMoved)
    this.framesMoved = 0
    if (this.#controls.spend(now)) return true
    this.onFault(ErrorCode.ENHANCE_YOUR_CALM, 'too many frames that carry nothing')
    return false
  }

  // The end.

  /** Ends a connection without open streams in order. `patiently`: what was sent last matters to the peer, however slowly it reads. */
  protected close(reason: string, patiently = false): void {
    if (this.closing) return
    this.#stop()
    write.writeGoAway(this.output, this.lastTaken(), ErrorCode.NO_ERROR, reason)
    this.#finish()
    if (patiently && this.#wire.pending > 0) this.deadline = this.now + this.#timeouts.stallTicks
  }

  #stop(): void {
    this.closing = true
    this.#parser.stop()
  }

  /** Says that nothing more comes, and leaves the peer a moment to close: a reset would destroy what is on its way. */
  #finish(): void {
    this.output.flush()
    this.#wire.end()
    this.#linger()
  }

  #linger(): void {
    this.deadline = this.now + ticksOf(LINGER_MS)
  }
}
