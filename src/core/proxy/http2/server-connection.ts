import type { HttpEnvironment } from '../http/environment.js'
import { encodeFields } from '../http/field-block.js'
import { NO_FIELDS } from '../http/head.js'
import { type DownstreamConnection, ErrorCode, type RequestHandler } from '../http/stream.js'
import { ticksOf } from '../ticker.js'
import type { Wire } from '../transport/transport.js'
import { Budget } from './budget.js'
import { HEAD, Http2Connection } from './connection.js'
import { MAX_STREAM_ID, PREFACE, SettingId } from './constants.js'
import { writeGoAway, writePing } from './frame-writer.js'
import { Role, Verdict } from './hpack/decoder.js'
import { PeerSettings } from './peer-settings.js'
import { Http2Stream } from './stream.js'

export interface Http2ServerOptions {
  /** What the client says in `forwarded` and `x-forwarded-*` is kept. */
  readonly trusted: boolean
}

const HEAD_TOO_LARGE = encodeFields([[':status', '431']])
const DRAIN_PING = Buffer.alloc(8)
/** How long a client may take to answer the PING that tells us that it has heard of the draining, milliseconds. */
const DRAIN_MS = 1000

const Drain = { NO: 0, ANNOUNCED: 1, FINAL: 2 } as const
type DrainStage = (typeof Drain)[keyof typeof Drain]

/** A client's HTTP/2 connection. */
export class Http2ServerConnection extends Http2Connection implements DownstreamConnection {
  readonly #handler: RequestHandler
  readonly #resets: Budget
  #prefaceRead = 0
  /** The highest id a client has used, and the highest that was taken as a request. */
  #lastSeen = 0
  #lastTaken = 0
  /** The latest ids that were passed over, `#skipped` to the one before the stream that passed over them. */
  #skippedFrom = 0
  #skippedTo = 0
  #drain: DrainStage = Drain.NO
  #drainBy = Infinity
  #faultTold = false

  constructor(wire: Wire, environment: HttpEnvironment, options: Http2ServerOptions, handler: RequestHandler) {
    super(wire, environment, new PeerSettings(true), options.trusted)
    const { limits, ticker } = environment
    this.#handler = handler
    this.#resets = new Budget(limits.resetBurst, limits.resetsPerSecond, ticker.now)
    this.start([
      [SettingId.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
      [SettingId.MAX_HEADER_LIST_SIZE, limits.maxHeadBytes],
    ])
  }

  /**
   * Announces the end before naming the last stream, so that requests on their way are not lost: two GOAWAYs, the second
   * when the client has answered a PING (RFC 9113 §6.8).
   */
  drain(): void {
    if (this.#drain !== Drain.NO || this.closing) return
    this.#drain = Drain.ANNOUNCED
    this.#drainBy = this.now + ticksOf(DRAIN_MS)
    writeGoAway(this.output, MAX_STREAM_ID, ErrorCode.NO_ERROR, 'draining')
    writePing(this.output, DRAIN_PING, 0, 0)
    this.output.commit()
  }

  override onData(bytes: Buffer, length: number): void {
    let at = 0
    while (this.#prefaceRead < PREFACE.length && at < length) {
      if (bytes[at++] !== PREFACE[this.#prefaceRead++]) {
        return this.onFault(ErrorCode.PROTOCOL_ERROR, 'not the preface of HTTP/2')
      }
    }
    if (at < length) this.read(bytes, at, length)
  }

  onSection(id: number, end: boolean, malformed: boolean, bytes: Buffer, from: number, to: number): void {
    const stream = this.streams.get(id)
    if (stream !== undefined) {
      const verdict = this.decode(bytes, from, to, Role.TRAILERS)
      if (!this.closing) this.trailers(stream, end, malformed, verdict)
      return
    }
    if (id <= this.#lastSeen || (id & 1) === 0) return this.#late(id, bytes, from, to)
    if (id > this.#lastSeen + 2) {
      this.#skippedFrom = this.#lastSeen + 2
      this.#skippedTo = id - 2
    }
    this.#lastSeen = id
    const verdict = this.decode(bytes, from, to, Role.REQUEST)
    if (verdict === Verdict.COMPRESSION_ERROR) return
    // "… MUST ignore frames sent on streams initiated by the receiver with identifiers higher than" that of the GOAWAY (RFC 9113 §6.8)
    if (this.#drain === Drain.FINAL) return this.resetIds.add(id)
    if (verdict === Verdict.TOO_LARGE) return this.#refuseLarge(id, end)
    if (verdict !== Verdict.OK) return this.#refuse(id, ErrorCode.PROTOCOL_ERROR, this.reason)
    if (malformed) return this.#refuse(id, ErrorCode.PROTOCOL_ERROR, 'a stream that depends on itself')
    if (end && HEAD.contentLength > 0)
      return this.#refuse(id, ErrorCode.PROTOCOL_ERROR, 'no DATA despite content-length')
    if (this.active >= this.environment.limits.maxConcurrentStreams) {
      return this.#refuse(id, ErrorCode.REFUSED_STREAM, 'more streams than allowed')
    }
    this.#lastTaken = id
    this.#open(id, end)
  }

  #open(id: number, end: boolean): void {
    const stream = new Http2Stream(this, id, this.peer.initialWindow)
    stream.answered = true
    stream.remoteEnded = end
    if (!end) stream.expected = HEAD.contentLength
    this.streams.add(stream)
    stream.heardBy(this.#handler.onRequest(stream, HEAD, end))
  }

  /** A section on a stream that is over, or never was. */
  #late(id: number, bytes: Buffer, from: number, to: number): void {
    if (this.resetIds.has(id)) return void this.decode(bytes, from, to, Role.TRAILERS)
    const skipped = (id & 1) === 0 || (id >= this.#skippedFrom && id <= this.#skippedTo)
    if (skipped) this.onFault(ErrorCode.PROTOCOL_ERROR, 'a stream id out of order')
    else this.onFault(ErrorCode.STREAM_CLOSED, 'HEADERS on a closed stream')
  }

  #refuse(id: number, code: number, reason: string): void {
    this.writeReset(id, code)
    this.blame(reason)
  }

  #refuseLarge(id: number, end: boolean): void {
    this.#lastTaken = id
    this.writeHead(id, HEAD_TOO_LARGE, HEAD_TOO_LARGE.length, NO_FIELDS, true)
    if (!end) this.writeReset(id, ErrorCode.NO_ERROR)
    this.blame(this.reason)
  }

  onGoAway(): void {
    // The client opens no more streams, and closes the connection when it has no more use for it.
    this.onVoid()
  }

  onPingAck(): void {
    if (this.#drain === Drain.ANNOUNCED) this.#finishDrain()
    else this.onVoid()
  }

  localEnded(stream: Http2Stream): void {
    this.#resets.earn(1)
    // "… after sending a complete response … by sending a RST_STREAM with an error code of NO_ERROR" (RFC 9113 §8.1)
    if (!stream.remoteEnded) this.writeReset(stream.id, ErrorCode.NO_ERROR)
    this.forget(stream)
    this.streamClosed()
  }

  protected isIdle(id: number): boolean {
    return id > this.#lastSeen || (id & 1) === 0
  }

  protected lastTaken(): number {
    return this.#lastTaken
  }

  protected mayReset(): boolean {
    return this.#resets.spend(this.now)
  }

  protected settingsChanged(): void {}

  protected streamClosed(): void {
    if (this.#drain === Drain.FINAL && this.active === 0) this.close('drained', true)
  }

  protected faulted(reason: string): void {
    if (this.#faultTold) return
    this.#faultTold = true
    this.#handler.onFault(reason)
  }

  protected scanned(): void {
    if (this.#drain === Drain.ANNOUNCED && this.now >= this.#drainBy) this.#finishDrain()
  }

  protected closed(): void {
    this.#handler.onClosed()
  }

  #finishDrain(): void {
    this.#drain = Drain.FINAL
    if (this.active === 0) return this.close('drained', true)
    writeGoAway(this.output, this.#lastTaken, ErrorCode.NO_ERROR, 'draining')
    this.output.commit()
  }
}
