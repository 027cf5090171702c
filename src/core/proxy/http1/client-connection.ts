import { formatHostPort } from '../../model/address.js'
import type { HttpEnvironment } from '../http/environment.js'
import { type Head, Method } from '../http/head.js'
import {
  type Broken,
  ErrorCode,
  type Stream,
  type StreamReceiver,
  type UpstreamConnection,
  type UpstreamObserver,
} from '../http/stream.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { Wire } from '../transport/transport.js'
import { ClientStream, type ClientStreamOwner } from './client-stream.js'
import { Http1Connection, headText, LINGER_MS } from './connection.js'
import { BodyForm, type BodyFormCode } from './head-text.js'
import type { ResponseReader } from './response-reader.js'
import { type Fault, INCOMPLETE, REFUSED } from './syntax.js'

const Phase = {
  IDLE: 0,
  /** A response head is to come. */
  HEAD: 1,
  BODY: 2,
  TUNNEL: 3,
  /** Both messages are complete; whether bytes follow is still to be seen. */
  DONE: 4,
  /** The response is complete, the request not yet. */
  LINGERING: 5,
  /** Of no more use. */
  CLOSED: 6,
} as const

const NOT_HTTP1 = 'the endpoint speaks HTTP/2 only'

/** Interim responses to one request: more are a flood. */
const MAX_INTERIM = 32

/**
 * An HTTP/1.1 connection to an endpoint: one request at a time, kept for the next one only if both messages ended beyond doubt.
 */
export class Http1ClientConnection extends Http1Connection implements UpstreamConnection, ClientStreamOwner {
  readonly protocol = 'h1'
  confirmed = false
  readonly #observer: UpstreamObserver
  #phase: number = Phase.IDLE
  #stream: ClientStream | undefined
  /** The authority of requests that name none, as only HTTP/1.0 has them. */
  readonly #name: string
  #isDraining = false
  #error: Error | undefined
  // Of the current exchange:
  #isHead = false
  #upgrades = false
  #persists = true
  #interim = 0
  /** `output.writes` when its head was put there. */
  #openedAt = 0
  #requestOver = false
  #responseOver = false

  constructor(wire: Wire, environment: HttpEnvironment, observer: UpstreamObserver) {
    super(wire, environment)
    this.#observer = observer
    const { remote } = wire
    this.#name = remote ? formatHostPort(remote.host, remote.port) : ''
    this.deadline = this.ticker.in(this.limits.idleTimeoutMs)
    wire.receiver = this
    wire.resume()
  }

  get available(): number {
    return this.#phase === Phase.IDLE && !this.#isDraining ? 1 : 0
  }

  get active(): number {
    return this.#stream === undefined ? 0 : 1
  }

  open(head: Head, extra: Buffer, end: boolean, receiver: StreamReceiver): Stream {
    const stream = new ClientStream(this, receiver)
    this.#stream = stream
    this.#phase = Phase.HEAD
    this.#isHead = head.method === Method.HEAD
    this.#upgrades = head.upgrade !== ''
    this.#persists = true
    this.#interim = 0
    this.#requestOver = end
    this.#responseOver = false
    this.deadline = this.ticker.in(this.limits.stallTimeoutMs)
    const form = this.#formOf(head, end)
    const length = end && head.contentLength < 0 && expectsContent(head) ? 0 : head.contentLength
    this.bodyWriter.begin(form, length)
    const isSound = !end || length <= 0
    if (isSound && headText.request(head, extra, form, length, this.#name, this.output)) this.output.commit()
    else {
      // Without its head the body would be read as a request of its own.
      this.#requestOver = true
      setImmediate(() => this.#fail(ErrorCode.PROTOCOL_ERROR, 'no', 'a request that HTTP/1.1 cannot express'))
    }
    this.#openedAt = this.output.writes
    return stream
  }

  drain(): void {
    this.#isDraining = true
    if (this.#phase === Phase.IDLE) this.#close()
  }

  abort(): void {
    this.wire.reset()
  }

  // What the current stream sends.

  sendData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    if (this.#requestOver) return
    if (this.#upgrades && this.#phase === Phase.HEAD) {
      // Nothing belongs to the tunnel before it is there; an end means that there will be none.
      if (end && length === 0) this.#requestOver = true
      else this.#fail(ErrorCode.INTERNAL_ERROR, 'maybe', 'bytes for a protocol that has not been switched to')
      return
    }
    if (!this.bodyWriter.data(bytes, offset, length, end))
      return this.#fail(ErrorCode.PROTOCOL_ERROR, 'maybe', 'request body of another length than announced')
    this.output.commit()
    if (end) this.#endRequest()
  }

  sendTrailers(head: Head): void {
    if (this.#requestOver) return
    if (!this.bodyWriter.trailers(head))
      return this.#fail(ErrorCode.PROTOCOL_ERROR, 'maybe', 'request body of another length than announced')
    this.output.commit()
    this.#endRequest()
  }

  resetStream(): void {
    this.#forget()
    this.#close()
  }

  allow(credit: number, queued: number): void {
    // A head is taken in any case: whoever has no room for a body yet may be waiting for it.
    this.holdBack(this.#phase !== Phase.HEAD && credit <= queued)
  }

  // What comes in.

  protected consume(bytes: Buffer, from: number, end: number): number {
    let at = from
    while (at < end) {
      switch (this.#phase) {
        case Phase.HEAD: {
          const reader = this.readers.response
          const next = reader.read(bytes, at, end)
          if (next === REFUSED) {
            return this.#isForeign(bytes, at, end) ? this.#misunderstood(end) : this.#refuse(reader.fault, end)
          }
          this.isPartial = next === INCOMPLETE
          if (this.isPartial) return at
          at = next
          this.confirmed = true
          this.#respond(reader)
          break
        }
        case Phase.BODY: {
          const next = this.body.read(bytes, at, end, this)
          if (next === REFUSED) return this.#refuse(this.body.fault, end)
          this.isPartial = next === at
          if (this.isPartial) return at
          at = next
          break
        }
        case Phase.TUNNEL:
          this.#stream?.receiver.onData(bytes, at, end - at, false)
          return end
        default:
          if (this.#phase === Phase.IDLE && this.#isForeign(bytes, at, end)) return this.#misunderstood(end)
          // What follows a response or comes without a request belongs to nobody: the connection is not to be trusted.
          this.#close()
          return end
      }
    }
    if (this.#phase === Phase.DONE) this.#release()
    return at
  }

  onBody(bytes: Buffer, offset: number, length: number, end: boolean): void {
    if (end) this.#responseOver = true
    this.#stream?.receiver.onData(bytes, offset, length, end)
    if (end) this.#settle()
  }

  onBodyTrailers(trailers: Head): void {
    this.#responseOver = true
    this.#stream?.receiver.onTrailers(trailers)
    this.#settle()
  }

  onEnd(): void {
    switch (this.#phase) {
      case Phase.HEAD:
        return this.#fail(
          ErrorCode.CONNECT_ERROR,
          this.#processed(),
          'the endpoint closed the connection before its response',
        )
      case Phase.BODY:
        if (!this.body.endsWithConnection)
          return this.#fail(ErrorCode.CONNECT_ERROR, 'yes', 'the endpoint closed the connection within its response')
        this.onBody(NO_BYTES, 0, 0, true)
        return this.#close()
      case Phase.TUNNEL:
        this.#responseOver = true
        this.#stream?.receiver.onData(NO_BYTES, 0, 0, true)
        if (this.#requestOver) this.#forget()
        return
      default:
        this.#close()
    }
  }

  protected onRoom(): void {
    this.#stream?.receiver.onCredit()
  }

  protected onGone(error: Error | undefined): void {
    const within = this.#phase === Phase.HEAD ? this.#processed() : 'yes'
    const isTunnel = this.#phase === Phase.TUNNEL
    this.#phase = Phase.CLOSED
    if (!this.#responseOver || isTunnel)
      this.#tellBroken(ErrorCode.CONNECT_ERROR, within, error?.message ?? 'the connection to the endpoint closed')
    this.#forget()
    this.#observer.onClosed(this.#error ?? error)
  }

  expire(): void {
    if (this.#stream === undefined || this.#phase === Phase.LINGERING) return this.#close()
    if (this.isStalled()) return this.#fail(ErrorCode.CANCEL, 'maybe', 'the endpoint does not read')
    this.deadline = this.ticker.in(this.limits.stallTimeoutMs)
  }

  #respond(reader: ResponseReader): void {
    const { head, framing, isOld } = reader
    const receiver = this.#stream!.receiver
    const { status } = head
    if (status === 101) return this.#switch(head)
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM) this.#fail(ErrorCode.ENHANCE_YOUR_CALM, 'yes', 'too many interim responses')
      else receiver.onInterim(head)
      return
    }
    const bodiless = this.#isHead || status === 204 || status === 304
    const isEmpty = bodiless || (!framing.chunked && framing.length === 0)
    this.#persists = !framing.close && (!isOld || framing.keepAlive)
    // Nobody knows whether the length that a 204 must not have is meant.
    if (status === 204 && framing.length > 0) this.#persists = false
    this.#phase = Phase.BODY
    if (isEmpty) this.#responseOver = true
    else if (framing.chunked) this.body.beginChunked()
    else if (framing.length > 0) this.body.beginLength(framing.length)
    else {
      this.#persists = false
      this.body.beginRest()
    }
    receiver.onHead(head, isEmpty)
    if (isEmpty) this.#settle()
  }

  #switch(head: Head): void {
    if (!this.#upgrades) return this.#fail(ErrorCode.PROTOCOL_ERROR, 'yes', 'protocol switched to without being asked')
    this.#phase = Phase.TUNNEL
    this.#persists = false
    this.bodyWriter.begin(BodyForm.REST, -1)
    this.#stream!.receiver.onHead(head, false)
  }

  #formOf(head: Head, end: boolean): BodyFormCode {
    if (this.#upgrades) return BodyForm.NONE
    return end || head.contentLength >= 0 ? BodyForm.LENGTH : BodyForm.CHUNKED
  }

  #endRequest(): void {
    this.#requestOver = true
    if (this.#phase === Phase.TUNNEL) {
      this.output.flush()
      this.wire.end()
      if (this.#responseOver) this.#forget()
    } else if (this.#phase === Phase.LINGERING) {
      this.#forget()
      this.#release()
    }
  }

  /** The response is complete. */
  #settle(): void {
    if (this.#phase === Phase.CLOSED) return
    if (this.#requestOver) {
      this.#forget()
      this.#phase = Phase.DONE
    } else if (this.#persists) {
      this.#phase = Phase.LINGERING
      this.deadline = this.ticker.in(LINGER_MS)
    } else this.#close()
  }

  /** Makes the connection available, if it can be. */
  #release(): void {
    if (!this.#persists || this.#isDraining) return this.#close()
    this.#phase = Phase.IDLE
    this.deadline = this.ticker.in(this.limits.idleTimeoutMs)
    this.holdBack(false)
    this.#observer.onAvailability()
  }

  /** Whether the endpoint begins with HTTP/2, by which it says that it cannot have made anything of a request of HTTP/1.1. */
  #isForeign(bytes: Buffer, at: number, end: number): boolean {
    return !this.confirmed && this.#interim === 0 && beginsHttp2(bytes, at, end)
  }

  #misunderstood(end: number): number {
    this.#isDraining = true
    this.#observer.onMismatch(true, NOT_HTTP1)
    this.#fail(ErrorCode.PROTOCOL_ERROR, 'no', NOT_HTTP1)
    return end
  }

  #refuse(fault: Fault, end: number): number {
    this.#fail(ErrorCode.PROTOCOL_ERROR, 'yes', fault.reason)
    return end
  }

  #fail(code: number, processed: Broken['processed'], reason: string): void {
    if (this.#phase === Phase.CLOSED) return
    this.#error = new Error(reason)
    this.#tellBroken(code, processed, reason)
    this.#close()
  }

  #tellBroken(code: number, processed: Broken['processed'], reason: string): void {
    const stream = this.#stream
    this.#forget()
    stream?.receiver.onBroken({ code, processed, reason })
  }

  /** Whether the endpoint acted on the request, as far as no final response tells. */
  #processed(): Broken['processed'] {
    // Not all of its head has left yet: the endpoint closed a connection that it took for idle.
    if (this.output.writes === this.#openedAt) return 'no'
    return this.#interim > 0 || this.carry.length > 0 ? 'yes' : 'maybe'
  }

  #forget(): void {
    if (this.#stream) this.#stream.isOver = true
    this.#stream = undefined
  }

  #close(): void {
    if (this.#phase === Phase.CLOSED) return
    const wasAvailable = this.available > 0
    this.#phase = Phase.CLOSED
    this.#forget()
    this.wire.close()
    if (wasAvailable) this.#observer.onAvailability()
  }
}

/** "a user agent SHOULD send Content-Length … when the request method defines a meaning for enclosed content" (RFC 9110 §8.6). */
function expectsContent({ method }: Head): boolean {
  return method === Method.POST || method === Method.PUT
}

/** Whether a frame header of SETTINGS, or of a GOAWAY instead, begins here (RFC 9113 §3.4, §4.1). */
function beginsHttp2(bytes: Buffer, at: number, end: number): boolean {
  if (end - at < 9 || bytes[at] !== 0) return false
  const type = bytes[at + 3]
  return (type === 4 || type === 7) && bytes.readUInt32BE(at + 5) === 0
}
