import type { HttpEnvironment } from '../http/environment.js'
import { type Head, Method } from '../http/head.js'
import {
  ErrorCode,
  type Stream,
  type StreamReceiver,
  type UpstreamConnection,
  type UpstreamObserver,
} from '../http/stream.js'
import type { Wire } from '../transport/transport.js'
import { HEAD, Http2Connection } from './connection.js'
import { MAX_STREAM_ID, PREFACE, SettingId } from './constants.js'
import { Role, Verdict } from './hpack/decoder.js'
import { PeerSettings } from './peer-settings.js'
import { Http2Stream } from './stream.js'

/** Streams opened before the endpoint has said how many it takes. */
const STREAMS_AT_FIRST = 100
const NOT_HTTP2 = 'the endpoint does not speak HTTP/2'

/** An HTTP/2 connection to an endpoint. */
export class Http2ClientConnection extends Http2Connection implements UpstreamConnection {
  readonly protocol = 'h2'
  readonly #observer: UpstreamObserver
  #nextId = 1
  /** Opens nothing more. */
  #leaving = false
  /** `available` is 0, but for the moment only. */
  #full = false
  #settled = false
  /** The first bytes have come. */
  #heard = false
  #mismatched = false
  readonly #streamsAtFirst: number

  /** `patient`: opens no stream before the endpoint has shown that it speaks HTTP/2. */
  constructor(wire: Wire, environment: HttpEnvironment, observer: UpstreamObserver, patient = false) {
    // What endpoints say in `forwarded` is nothing to us.
    super(wire, environment, new PeerSettings(false), true)
    this.#observer = observer
    this.#streamsAtFirst = patient ? 0 : STREAMS_AT_FIRST
    this.#full = patient
    this.output.write(PREFACE, 0, PREFACE.length)
    this.start([
      [SettingId.ENABLE_PUSH, 0],
      [SettingId.MAX_HEADER_LIST_SIZE, environment.limits.maxHeadBytes],
    ])
  }

  get confirmed(): boolean {
    return this.#settled
  }

  get available(): number {
    if (this.#leaving || this.closing) return 0
    const most = this.#settled ? this.peer.maxConcurrentStreams : this.#streamsAtFirst
    return Math.max(0, most - this.active)
  }

  open(head: Head, extra: Buffer, end: boolean, receiver: StreamReceiver): Stream {
    const stream = new Http2Stream(this, this.#nextId, this.peer.initialWindow)
    this.#nextId += 2
    // "A client that is unable to establish a new stream identifier can establish a new connection" (RFC 9113 §5.1.1)
    if (this.#nextId > MAX_STREAM_ID) this.#leaving = true
    stream.bodiless = head.method === Method.HEAD
    stream.receiver = receiver
    this.streams.add(stream)
    this.writeHead(stream.id, head.block, head.length, extra, end)
    stream.openedAt = this.output.writes
    if (end) stream.endsAtOnce()
    if (this.available === 0) this.#full = true
    return stream
  }

  drain(): void {
    if (this.#leaving || this.closing) return
    this.#leaving = true
    if (this.active === 0) this.close('drained')
  }

  override onData(bytes: Buffer, length: number): void {
    if (!this.#heard) {
      this.#heard = true
      // SETTINGS of a length that may be sent begin with a zero octet (RFC 9113 §4.1), text of an HTTP/1 server does not.
      if (bytes[0] !== 0 && !this.closing) return this.#isForeign()
    }
    super.onData(bytes, length)
  }

  /** "HTTP/1.1 400 Bad Request", say: the endpoint cannot have made anything of what it was sent. */
  #isForeign(): void {
    this.#mismatch(true, NOT_HTTP2)
    for (const stream of this.streams.all()) {
      if (stream.over) continue
      this.forget(stream)
      stream.broken(ErrorCode.PROTOCOL_ERROR, 'no', NOT_HTTP2)
    }
    this.onFault(ErrorCode.PROTOCOL_ERROR, NOT_HTTP2)
  }

  #mismatch(certain: boolean, reason: string): void {
    if (this.#settled || this.#mismatched) return
    this.#mismatched = true
    this.#leaving = true
    this.#observer.onMismatch(certain, reason)
  }

  onSection(id: number, end: boolean, malformed: boolean, bytes: Buffer, from: number, to: number): void {
    const stream = this.streams.get(id)
    if (stream === undefined) return this.#late(id, bytes, from, to)
    const verdict = this.decode(bytes, from, to, stream.answered ? Role.TRAILERS : Role.RESPONSE)
    if (this.closing) return
    if (stream.answered) return this.trailers(stream, end, malformed, verdict)
    if (verdict !== Verdict.OK) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, this.reason)
    if (malformed) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'a stream that depends on itself')
    if (HEAD.status < 200) this.#interim(stream, end)
    else this.#answer(stream, end)
  }

  #interim(stream: Http2Stream, end: boolean): void {
    // "HTTP/2 removes support for the 101 (Switching Protocols) informational status code" (RFC 9113 §8.6)
    if (end || HEAD.status === 101) return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'not an interim response')
    stream.receiver.onInterim(HEAD)
    this.onVoid()
  }

  #answer(stream: Http2Stream, end: boolean): void {
    const bodiless = stream.bodiless || HEAD.status === 204 || HEAD.status === 304
    if (end && HEAD.contentLength > 0 && !bodiless) {
      return this.fail(stream, ErrorCode.PROTOCOL_ERROR, 'no DATA despite content-length')
    }
    stream.answered = true
    stream.expected = bodiless ? 0 : HEAD.contentLength
    const closes = end && this.remoteEnds(stream)
    stream.receiver.onHead(HEAD, end)
    if (closes) this.streamClosed()
  }

  /** A section on a stream that is over, or never was. */
  #late(id: number, bytes: Buffer, from: number, to: number): void {
    if (this.isIdle(id)) this.onFault(ErrorCode.PROTOCOL_ERROR, 'HEADERS on an idle stream')
    else if (this.resetIds.has(id)) this.decode(bytes, from, to, Role.TRAILERS)
    else this.onFault(ErrorCode.STREAM_CLOSED, 'HEADERS on a closed stream')
  }

  onGoAway(lastId: number): void {
    this.#leaving = true
    for (const stream of this.streams.all()) {
      if (stream.id <= lastId || stream.over) continue
      this.forget(stream)
      stream.broken(ErrorCode.REFUSED_STREAM, 'no', 'the endpoint goes away')
    }
    this.#observer.onAvailability()
    if (this.active === 0) this.close('the endpoint goes away')
  }

  onPingAck(): void {
    this.onVoid()
  }

  localEnded(stream: Http2Stream): void {
    if (!stream.remoteEnded) return
    this.forget(stream)
    this.streamClosed()
  }

  protected isIdle(id: number): boolean {
    return id >= this.#nextId || (id & 1) === 0
  }

  protected lastTaken(): number {
    return 0
  }

  /** An endpoint's resets are answers; our requests bound them. */
  protected mayReset(): boolean {
    return true
  }

  protected settingsChanged(): void {
    this.#settled = true
    this.#tellAvailable()
  }

  protected streamClosed(): void {
    if (this.#leaving && this.active === 0) this.close('no stream is open any more')
    else this.#tellAvailable()
  }

  protected faulted(reason: string): void {
    this.#mismatch(false, reason)
  }

  protected scanned(): void {}

  protected closed(error: Error | undefined): void {
    this.#mismatch(false, error?.message ?? 'the endpoint closed an HTTP/2 connection without a word')
    this.#observer.onClosed(error)
  }

  #tellAvailable(): void {
    if (this.available === 0) this.#full = true
    else if (this.#full) {
      this.#full = false
      this.#observer.onAvailability()
    }
  }
}
