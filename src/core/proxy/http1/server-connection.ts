import type { HttpEnvironment } from '../http/environment.js'
import { type Head, Method, NO_FIELDS } from '../http/head.js'
import { type Broken, type DownstreamConnection, ErrorCode, type RequestHandler } from '../http/stream.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { Wire } from '../transport/transport.js'
import { Http1Connection, headText, LINGER_MS } from './connection.js'
import { BodyForm, type BodyFormCode } from './head-text.js'
import { refusal } from './refusal.js'
import type { ClientKind } from './readers.js'
import type { RequestReader } from './request-reader.js'
import { ServerStream, type ServerStreamOwner } from './server-stream.js'
import { Fault, INCOMPLETE, REFUSED } from './syntax.js'

const Phase = {
  /** Between requests, or within a head. */
  HEAD: 0,
  BODY: 1,
  /** The request is complete, or waits for a protocol to be switched to; its response is under way. */
  WAITING: 2,
  TUNNEL: 3,
  /** Everything has been said; what still comes is thrown away. */
  CLOSING: 4,
} as const

/**
 * What a client must send of a body within `stallTimeoutMs`, in bytes, until its response begins. Those who send less keep an
 * endpoint's connection busy for nothing.
 */
const LEAST_BODY = 1024

const HEAD_TIMEOUT = new Fault(408, 'request head took too long')
const BODY_TIMEOUT = new Fault(408, 'request body took too long')

/**
 * A client's HTTP/1.1 connection: requests one after the other. The next is looked at only once the response before is complete;
 * until then reading stops, so that a client can have sent one read ahead at most.
 *
 * An expected 100 (Continue) is the endpoint's to send and none is made up here. Where the final response comes first, the
 * connection closes after it, because nobody can know whether the body follows.
 */
export class Http1ServerConnection extends Http1Connection implements DownstreamConnection, ServerStreamOwner {
  readonly #handler: RequestHandler
  readonly #reader: RequestReader
  #phase: number = Phase.HEAD
  #stream: ServerStream | undefined
  #isDraining = false
  #isFaulty = false
  /** A first request came; until then the time for its head runs from the connection on. */
  #hasServed = false
  // Of the current exchange:
  #persists = true
  #isOld = false
  #isHead = false
  #upgrades = false
  #awaitsContinue = false
  #hasResponded = false
  #requestOver = false
  #responseOver = false
  #bodyBytes = 0

  constructor(wire: Wire, environment: HttpEnvironment, kind: ClientKind, handler: RequestHandler) {
    super(wire, environment)
    this.#handler = handler
    this.#reader = this.readers.request(kind)
    this.deadline = this.ticker.in(this.limits.headTimeoutMs)
    wire.receiver = this
    wire.resume()
  }

  drain(): void {
    this.#isDraining = true
    if (this.#phase === Phase.HEAD && this.carry.length === 0) this.#close()
  }

  abort(): void {
    this.wire.reset()
  }

  // What the current stream sends.

  sendInterim(head: Head): void {
    // "Since HTTP/1.0 did not define any 1xx status codes, a server MUST NOT send a 1xx response to an HTTP/1.0 client" (RFC 9110 §15.2).
    if (this.#hasResponded || this.#isOld) return
    if (head.status === 100) this.#awaitsContinue = false
    if (headText.response(head, NO_FIELDS, BodyForm.NONE, -1, undefined, this.output)) this.output.commit()
    else this.#break(ErrorCode.INTERNAL_ERROR, 'interim response that cannot be written')
  }

  sendHead(head: Head, extra: Buffer, end: boolean): void {
    if (this.#hasResponded) return
    if (head.status === 101) return this.#switch(head, extra)
    const bodiless = this.#isHead || head.status === 204 || head.status === 304
    const form = this.#formOf(head, bodiless, end)
    if (form === BodyForm.REST || this.#awaitsContinue || this.#isDraining) this.#persists = false
    const announced = head.status === 204 ? -1 : head.contentLength
    const length = end && !bodiless ? Math.max(announced, 0) : announced
    const persistence = !this.#persists ? 'close' : this.#isOld ? 'keep-alive' : undefined
    if (!headText.response(head, extra, form, length, persistence, this.output))
      return this.#break(ErrorCode.INTERNAL_ERROR, 'response that cannot be written')
    this.#hasResponded = true
    this.bodyWriter.begin(form, length)
    this.output.commit()
    if (this.#upgrades) this.#declineUpgrade()
    if (end) this.sendData(NO_BYTES, 0, 0, true)
  }

  sendData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    if (!this.#hasResponded || this.#responseOver) return
    if (!this.bodyWriter.data(bytes, offset, length, end))
      return this.#break(ErrorCode.INTERNAL_ERROR, 'response body of another length than announced')
    this.output.commit()
    if (end) this.#endResponse()
  }

  sendTrailers(head: Head): void {
    if (!this.#hasResponded || this.#responseOver) return
    if (!this.bodyWriter.trailers(head))
      return this.#break(ErrorCode.INTERNAL_ERROR, 'response body of another length than announced')
    this.output.commit()
    this.#endResponse()
  }

  resetStream(): void {
    this.#forget()
    if (this.#responseOver) this.#close()
    else this.wire.reset()
  }

  allow(credit: number, queued: number): void {
    this.holdBack(credit <= queued)
  }

  // What comes in.

  protected consume(bytes: Buffer, from: number, end: number): number {
    let at = from
    while (at < end) {
      switch (this.#phase) {
        case Phase.HEAD: {
          // Who reads no answers has no further request taken, or the answers would pile up here.
          if (this.output.full) return this.#awaitRoom(at)
          const next = this.#reader.read(bytes, at, end)
          if (next === INCOMPLETE) return this.#awaitRest(at)
          if (next === REFUSED) return this.#refuse(this.#reader.fault, end)
          at = next
          this.#begin()
          break
        }
        case Phase.BODY: {
          const next = this.body.read(bytes, at, end, this)
          if (next === REFUSED) return this.#refuse(this.body.fault, end)
          if (next === at) return this.#awaitRest(at)
          at = next
          break
        }
        case Phase.WAITING:
          this.isPartial = false
          this.hold(true)
          return at
        case Phase.TUNNEL:
          this.#stream?.receiver?.onData(bytes, at, end - at, false)
          return end
        default:
          return end
      }
    }
    return at
  }

  onBody(bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.#bodyBytes += length
    if (end) this.#endRequest()
    this.#receiver?.onData(bytes, offset, length, end)
    if (end) this.#afterRequest()
  }

  onBodyTrailers(trailers: Head): void {
    this.#endRequest()
    // Without a field left that may be passed on, the end is told as data (see BodyReader).
    this.#receiver?.onTrailers(trailers)
    this.#afterRequest()
  }

  onEnd(): void {
    switch (this.#phase) {
      case Phase.WAITING:
        // The client may have closed its half and still wait for the response.
        this.#persists = false
        if (this.#upgrades) this.#declineUpgrade()
        return
      case Phase.TUNNEL:
        this.#requestOver = true
        this.#receiver?.onData(NO_BYTES, 0, 0, true)
        if (this.#responseOver) this.#forget()
        return
      case Phase.BODY:
        this.#tellBroken(ErrorCode.CANCEL, 'the client closed its connection within a request')
        break
      default:
    }
    this.#close()
  }

  protected onRoom(): void {
    if (this.#phase === Phase.HEAD) this.continueLater()
    this.#receiver?.onCredit()
  }

  protected onGone(): void {
    this.#tellBroken(ErrorCode.CANCEL, 'the client closed its connection')
    this.#phase = Phase.CLOSING
    this.#handler.onClosed()
  }

  expire(): void {
    switch (this.#phase) {
      case Phase.HEAD:
        if (this.output.full && !this.isStalled()) this.deadline = this.ticker.in(this.limits.stallTimeoutMs)
        else if (this.isPartial) this.#refuse(HEAD_TIMEOUT, 0)
        else this.#close()
        return
      case Phase.CLOSING:
        if (this.output.pending === 0 || this.isStalled()) this.wire.close()
        else this.deadline = this.ticker.in(this.limits.stallTimeoutMs)
        return
      default:
    }
    if (this.#responseOver && this.#phase === Phase.BODY) {
      this.#tellBroken(ErrorCode.CANCEL, 'the client goes on sending after its response')
      return this.#close()
    }
    if (this.isStalled()) return this.#break(ErrorCode.CANCEL, 'the client does not read')
    if (this.#isDribbling()) return void this.#refuse(BODY_TIMEOUT, 0)
    this.#bodyBytes = 0
    this.deadline = this.ticker.in(this.limits.stallTimeoutMs)
  }

  get #receiver() {
    return this.#stream?.receiver
  }

  #isDribbling(): boolean {
    const isOurs = this.#hasResponded || this.#awaitsContinue || this.isHeldBack
    return this.#phase === Phase.BODY && !isOurs && this.#bodyBytes < LEAST_BODY
  }

  /** Goes on at `at` when the client has taken more of what it asked for. */
  #awaitRoom(at: number): number {
    this.isPartial = false
    this.deadline = this.ticker.in(this.limits.stallTimeoutMs)
    this.hold(true)
    return at
  }

  /** A section was cut off at `at`. */
  #awaitRest(at: number): number {
    if (!this.isPartial && this.#phase === Phase.HEAD && this.#hasServed)
      this.deadline = this.ticker.in(this.limits.headTimeoutMs)
    this.isPartial = true
    return at
  }

  #begin(): void {
    const { head, framing, isOld } = this.#reader
    const stream = new ServerStream(this)
    this.#stream = stream
    this.#hasServed = true
    this.isPartial = false
    this.#isOld = isOld
    this.#isHead = head.method === Method.HEAD
    this.#persists = !framing.close && (!isOld || framing.keepAlive)
    this.#upgrades = head.upgrade !== ''
    this.#hasResponded = this.#responseOver = false
    this.#bodyBytes = 0
    const hasBody = framing.chunked || framing.length > 0
    this.#requestOver = !hasBody && !this.#upgrades
    // "A client MUST NOT generate a 100-continue expectation in a request that does not include content" (RFC 9110 §10.1.1).
    this.#awaitsContinue = head.expectsContinue && hasBody
    this.#phase = hasBody ? Phase.BODY : Phase.WAITING
    if (framing.chunked) this.body.beginChunked()
    else if (hasBody) this.body.beginLength(framing.length)
    this.deadline = this.ticker.in(this.limits.stallTimeoutMs)
    stream.receiver = this.#handler.onRequest(stream, head, this.#requestOver)
  }

  #formOf(head: Head, bodiless: boolean, end: boolean): BodyFormCode {
    if (bodiless) return BodyForm.NONE
    if (end || head.contentLength >= 0) return BodyForm.LENGTH
    return this.#isOld ? BodyForm.REST : BodyForm.CHUNKED
  }

  #switch(head: Head, extra: Buffer): void {
    if (!this.#upgrades || !headText.response(head, extra, BodyForm.REST, -1, undefined, this.output))
      return this.#break(ErrorCode.INTERNAL_ERROR, 'switching protocols without being asked')
    this.#hasResponded = true
    this.#persists = false
    this.#phase = Phase.TUNNEL
    this.bodyWriter.begin(BodyForm.REST, -1)
    this.output.commit()
    this.continueLater()
  }

  /** The request ends like any other. */
  #declineUpgrade(): void {
    this.#upgrades = false
    this.#requestOver = true
    this.#receiver?.onData(NO_BYTES, 0, 0, true)
  }

  #endRequest(): void {
    this.isPartial = false
    this.#requestOver = true
    this.#awaitsContinue = false
    this.#phase = Phase.WAITING
  }

  #afterRequest(): void {
    if (this.#responseOver && this.#stream) this.#finish()
  }

  #endResponse(): void {
    this.#responseOver = true
    if (this.#phase === Phase.TUNNEL) {
      this.output.flush()
      this.wire.end()
      if (this.#requestOver) this.#forget()
    } else if (this.#requestOver) this.#finish()
    // "the server … can close the connection, or read and discard the request" (RFC 9112 §9.6); a request about to end may.
    else this.deadline = this.ticker.in(LINGER_MS)
  }

  #finish(): void {
    this.#forget()
    if (!this.#persists || this.#isDraining) return this.#close()
    this.#phase = Phase.HEAD
    this.deadline = this.ticker.in(this.limits.idleTimeoutMs)
    this.holdBack(false)
    this.continueLater()
  }

  #forget(): void {
    if (this.#stream) this.#stream.isOver = true
    this.#stream = undefined
  }

  /** Sends what there is and then the end. What the client still sends is read: a reset could destroy what it has not read yet. */
  #close(): void {
    if (this.#phase === Phase.CLOSING) return
    this.#phase = Phase.CLOSING
    this.#forget()
    this.output.flush()
    this.wire.end()
    this.holdBack(false)
    this.hold(false)
    this.deadline = this.ticker.in(LINGER_MS)
  }

  /** Answers a request that is not let through, if that is still possible. Returns `end`: nothing after it is looked at. */
  #refuse(fault: Fault, end: number): number {
    const answered = this.#hasResponded && this.#stream !== undefined
    this.#fault(fault.reason)
    this.#tellBroken(ErrorCode.PROTOCOL_ERROR, fault.reason)
    if (answered) {
      this.wire.reset()
      return end
    }
    const answer = refusal(fault)
    this.output.write(answer, 0, answer.length)
    this.#close()
    return end
  }

  #break(code: number, reason: string): void {
    this.#tellBroken(code, reason)
    this.wire.reset()
  }

  #fault(reason: string): void {
    if (this.#isFaulty) return
    this.#isFaulty = true
    this.#handler.onFault(reason)
  }

  #tellBroken(code: number, reason: string): void {
    const receiver = this.#receiver
    this.#forget()
    const broken: Broken = { code, processed: 'yes', reason }
    receiver?.onBroken(broken)
  }
}
