import type { HttpEnvironment } from '../http/environment.js'
import { Head } from '../http/head.js'
import { type Broken, ErrorCode } from '../http/stream.js'
import { type Perishable, ticksOf } from '../ticker.js'
import { Output } from '../transport/output.js'
import type { Wire, WireReceiver } from '../transport/transport.js'
import { Budget } from './budget.js'
import { CONNECTION_WINDOW, Flag, INITIAL_TABLE_SIZE, INITIAL_WINDOW, MAX_WINDOW } from './constants.js'
import { type FrameHandler, FrameParser } from './frame-parser.js'
import * as write from './frame-writer.js'
import { HpackDecoder, type RoleCode, Verdict, type VerdictCode } from './hpack/decoder.js'
import type { PeerSettings } from './peer-settings.js'
import type { Http2Stream, StreamOwner } from './stream.js'
import { ResetIds, StreamTable } from './stream-table.js'
import { Timeouts } from './timeouts.js'
import { WaitingStreams } from './waiting-streams.js'

/** The head that sections are decoded into: one for the process, since it is valid only until it has been handed over. */
export const HEAD = new Head()

/** How long a peer may take to close its side once we have said that we close, milliseconds. */
const LINGER_MS = 1000
/** Between two looks at what takes too long, in ticks. */
const SCAN_TICKS = 5

/**
 * What both roles of an HTTP/2 connection share: settings, windows, streams and their faults, and how it ends. Roles add what
 * they make of header sections. Nothing throws for a peer's reason.
 */
export abstract class Http2Connection implements WireReceiver, FrameHandler, StreamOwner, Perishable {
  deadline: number
  connectionCredit = INITIAL_WINDOW
  readonly output: Output
  protected readonly streams = new StreamTable<Http2Stream>()
  protected readonly resetIds = new ResetIds()
  protected readonly environment: HttpEnvironment
  protected readonly peer: PeerSettings
  /** Nothing more is taken in: a GOAWAY is on its way, or the wire is closed. */
  protected closing = false
  readonly #wire: Wire
  readonly #parser: FrameParser
  readonly #decoder: HpackDecoder
  readonly #controls: Budget
  readonly #timeouts: Timeouts
  readonly #waiting: WaitingStreams
  /** What the peer may still send on the connection. */
  #granted = CONNECTION_WINDOW
  #paused = false
  #gone = false
  #error: Error | undefined
  /** The peer thinks that our encoder has a table, or must be told that it has none (RFC 7541 §4.2). */
  #table: 'assumed' | 'to be given up' | 'given up' = 'assumed'

  constructor(wire: Wire, environment: HttpEnvironment, peer: PeerSettings, trusted: boolean) {
    const { limits, ticker, flusher } = environment
    this.#wire = wire
    this.environment = environment
    this.peer = peer
    this.output = new Output(wire, flusher)
    this.#parser = new FrameParser(this, limits)
    this.#decoder = new HpackDecoder(limits, trusted)
    this.#controls = new Budget(limits.controlBurst, limits.controlsPerSecond, ticker.now)
    this.#timeouts = new Timeouts(limits, ticker.now)
    this.#waiting = new WaitingStreams(this)
    this.deadline = ticker.now + SCAN_TICKS
  }

  get active(): number {
    return this.streams.size
  }

  get maxQueuedBytes(): number {
    return this.environment.limits.maxQueuedBytes
  }

  get now(): number {
    return this.environment.ticker.now
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
  abstract localEnded(stream: Http2Stream): void
  /** Whether no stream has ever had this id. */
  protected abstract isIdle(id: number): boolean
  /** The highest id of the peer's streams that were taken. */
  protected abstract lastTaken(): number
  /** The peer reset a stream or made us reset one. False if that was once too often. */
  protected abstract mayReset(): boolean
  protected abstract settingsChanged(): void
  /** A stream is over, by itself or by `forget`. */
  protected abstract streamClosed(): void
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
    this.#timeouts.partial(this.#parser.partial, this.now)
    // Only its own answers keep a connection from being read: other streams share it.
    if (this.output.full && !this.#paused) {
      this.#paused = true
      this.#wire.pause()
    }
  }

  onEnd(): void {
    if (this.closing) return this.#wire.close()
    this.#stop()
    this.endStreams(ErrorCode.CANCEL, 'the peer closed the connection')
    this.#finish()
  }

  onDrain(): void {
    this.output.drained()
    if (this.closing) return
    if (this.#paused && !this.output.full) {
      this.#paused = false
      this.#wire.resume()
    }
    this.#waiting.pump()
    for (const stream of this.streams.all()) if (!stream.over) stream.receiver.onCredit()
  }

  onClose(error?: Error): void {
    this.#gone = true
    this.environment.ticker.unwatch(this)
    if (!this.closing) this.#error = error
    this.#stop()
    this.endStreams(ErrorCode.CONNECT_ERROR, error ? error.message : 'the connection was closed')
    this.output.close()
    this.closed(this.#error)
  }

  // Time.

  expire(): void {
    if (this.closing) return this.#wire.close()
    const { now } = this
    this.deadline = now + SCAN_TICKS
    const late = this.#timeouts.late(now, this.#wire.pending)
    if (late !== undefined) {
      this.onFault(late.code, late.reason)
      if (late.stuck) this.abort()
      return
    }
    if (this.streams.size > 0) this.#timeouts.idleSince = now
    else if (this.#timeouts.idle(now)) return this.close('idle')
    this.#waiting.reset(now - this.#timeouts.stallTicks)
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
      this.#controls.earn(1)
      stream.receiver.onData(bytes, offset, length, false)
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
      } else this.#waiting.pump()
      return
    }
    const stream = this.streams.get(id)
    if (stream === undefined) {
      if (this.isIdle(id)) this.onFault(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE on an idle stream')
      return
    }
    if (increment === 0) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0')
    if (!stream.widen(increment)) return this.fail(stream, ErrorCode.FLOW_CONTROL_ERROR, 'a window beyond 2^31-1')
    this.#waiting.pumpOne(stream)
    if (!stream.over) stream.receiver.onCredit()
  }

  onSettings(bytes: Buffer, offset: number, length: number): void {
    if (this.#parser.settled && !this.#controls.spend(this.now)) return this.#tooManyControls()
    const window = this.peer.initialWindow
    const wrong = this.peer.apply(bytes, offset, length)
    if (wrong) return this.onFault(wrong.code, wrong.reason)
    this.#parser.settled = true
    this.#timeouts.settled = true
    if (this.#table === 'assumed' && this.peer.tableSize < INITIAL_TABLE_SIZE) this.#table = 'to be given up'
    write.writeSettingsAck(this.output)
    this.output.commit()
    if (this.peer.initialWindow !== window) this.#resizeWindows(this.peer.initialWindow - window)
    if (!this.closing) this.settingsChanged()
  }

  onSettingsAck(): void {
    this.#timeouts.settingsAnswered = true
  }

  onPing(bytes: Buffer, offset: number): void {
    if (!this.#controls.spend(this.now)) return this.#tooManyControls()
    write.writePing(this.output, bytes, offset, Flag.ACK)
    this.output.commit()
  }

  onVoid(): void {
    if (!this.#controls.spend(this.now)) this.#tooManyControls()
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

  writeHead(id: number, block: Buffer, length: number, extra: Buffer, end: boolean): void {
    const giveUpTable = this.#table === 'to be given up'
    if (giveUpTable) this.#table = 'given up'
    write.writeHeaders(this.output, id, block, length, extra, end, giveUpTable)
    this.output.commit()
  }

  waits(stream: Http2Stream): void {
    this.#waiting.add(stream)
  }

  resetStream(stream: Http2Stream, code: number): void {
    this.writeReset(stream.id, code)
    this.forget(stream)
    this.streamClosed()
  }

  giveUp(stream: Http2Stream, code: number, reason: string): void {
    this.writeReset(stream.id, code)
    this.forget(stream)
    stream.broken(code, processed(stream), reason)
    this.streamClosed()
  }

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

  protected writeReset(id: number, code: number): void {
    write.writeReset(this.output, id, code)
    this.output.commit()
    this.resetIds.add(id)
  }

  /** Lets go of a stream without a word to anybody. */
  protected forget(stream: Http2Stream): void {
    this.streams.delete(stream)
    if (stream.queue !== undefined || stream.overloaded) this.#waiting.delete(stream)
    stream.finish()
  }

  /** END_STREAM has come; whether that was the end of the stream, to be followed by `streamClosed`. */
  protected remoteEnds(stream: Http2Stream): boolean {
    stream.remoteEnded = true
    if (!stream.localEnded) return false
    this.forget(stream)
    return true
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
    this.#waiting.pump()
    for (const stream of streams) if (!stream.over) stream.receiver.onCredit()
  }

  #tooManyControls(): void {
    this.onFault(ErrorCode.ENHANCE_YOUR_CALM, 'too many frames that carry nothing')
  }

  // The end.

  /** Ends a connection without open streams in order. */
  protected close(reason: string): void {
    if (this.closing) return
    this.#stop()
    write.writeGoAway(this.output, this.lastTaken(), ErrorCode.NO_ERROR, reason)
    this.#finish()
  }

  protected endStreams(code: number, reason: string): void {
    for (const stream of this.streams.all()) {
      if (stream.over) continue
      this.forget(stream)
      const unsent = stream.openedAt === this.output.writes
      stream.broken(code, unsent ? 'no' : processed(stream), reason)
    }
  }

  #stop(): void {
    this.closing = true
    this.#parser.stop()
  }

  /** Says that nothing more comes, and leaves the peer a moment to close: a reset would destroy what is on its way. */
  #finish(): void {
    this.output.flush()
    this.#wire.end()
    this.deadline = this.now + ticksOf(LINGER_MS)
  }
}

function processed(stream: Http2Stream): Broken['processed'] {
  return stream.answered ? 'yes' : 'maybe'
}
