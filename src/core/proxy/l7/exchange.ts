import { decodeLoadReport, LOAD_REPORT_FIELD } from '../../balancer/orca/decode.js'
import type { LoadReport } from '../../balancer/orca/load-report.js'
import { findField } from '../http/field-block.js'
import { Head, NO_FIELDS } from '../http/head.js'
import { nameOf } from '../http/names.js'
import { ErrorCode, type StreamReceiver, type UpstreamConnection } from '../http/stream.js'
import type { Attempt } from './attempt.js'
import { GrpcStatus } from './grpc-status.js'
import {
  brokenOff,
  IDLE,
  IDLE_CLIENT,
  type LocalReply,
  sendLocalReply,
  sendLocalTrailers,
  TOO_LATE,
} from './local-reply.js'
import { Request } from './request.js'
import { copyHead, REPLAY_BYTES } from './saved-request.js'

const LOAD_REPORT = nameOf(LOAD_REPORT_FIELD)

/**
 * One request of a client and its response: what arrives on the client's stream is sent on the endpoint's, and back, each
 * direction ending by itself and held back by the other stream's credit.
 */
export class Exchange extends Request implements StreamReceiver {
  /** Both sides have become streams of bytes (101), of which each ends by itself. */
  #isTunnel = false

  sendOn(attempt: Attempt, connection: UpstreamConnection): void {
    const saved = this.saved
    const extra = this.client.forwarded.for(this.head)
    // An end that came late is sent late: gRPC servers of Go do not hear of one in the head.
    const up = attempt.open(connection, this.head, extra, this.bodiless)
    if (saved !== undefined && !this.bodiless && (saved.bodyLength > 0 || this.requestEnded)) {
      up.sendData(saved.body, 0, saved.bodyLength, this.requestEnded && saved.trailers === undefined)
      if (saved.trailers) up.sendTrailers(saved.trailers)
      attempt.endpoint.meter.bytesSent += saved.bodyLength
      if (saved.bodyLength > REPLAY_BYTES) this.forget()
    }
    if (!this.requestEnded) this.stream.allow(up.credit, up.queued)
    up.allow(this.stream.credit, this.stream.queued)
  }

  // From the client.

  onData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.moves++
    if (end) this.requestEnded = true
    if (this.over) return
    const up = this.attempt?.stream
    const isKept = this.saved === undefined || this.relay.saved.append(this.saved, bytes, offset, length)
    if (up === undefined) {
      if (!end) this.stream.allow(0, this.saved!.bodyLength)
      return
    }
    if (!isKept) this.forget()
    this.attempt!.endpoint.meter.bytesSent += length
    up.sendData(bytes, offset, length, end)
    if (!end) this.stream.allow(up.credit, up.queued)
    else if (this.responseEnded) this.close()
  }

  onTrailers(head: Head): void {
    this.requestEnded = true
    if (this.over) return
    if (this.saved) copyHead(head, (this.saved.trailers = new Head()))
    this.attempt?.stream?.sendTrailers(head)
    if (this.responseEnded) this.close()
  }

  /** The client gave up, or is gone. */
  onBroken(): void {
    if (this.over) return
    if (!this.responseEnded) this.relay.listener.meter.requests.cancelled++
    this.attempt?.abandon(undefined)
    this.close()
  }

  onCredit(): void {
    this.moves++
    if (!this.over) this.attempt?.stream?.allow(this.stream.credit, this.stream.queued)
  }

  onInterim(): void {}
  onHead(): void {}

  // From the endpoint.

  relayInterim(head: Head): void {
    this.moves++
    this.relay.listener.meter.requests.classes[1]!++
    this.stream.sendInterim(head)
  }

  relayHead(attempt: Attempt, head: Head, end: boolean): void {
    if (end && head.grpcStatus > 0 && this.retriesOnStatus(attempt, head)) return
    this.moves++
    this.commit()
    const { classes } = this.relay.listener.meter.requests
    classes[(head.status / 100) | 0]!++
    if (head.status === 101) this.#isTunnel = true
    this.stream.sendHead(head, this.#stickyField(attempt), end)
    if (end) this.#complete(attempt, head.grpcStatus, true, this.#loadReport(head))
    else attempt.stream!.allow(this.stream.credit, this.stream.queued)
  }

  #stickyField(attempt: Attempt): Buffer {
    const { sticky } = this.relay
    const { address } = attempt.endpoint
    if (sticky === undefined || this.isGrpc || address === this.prefer) return NO_FIELDS
    return sticky.fieldFor(address, this.client.secure)
  }

  relayData(attempt: Attempt, bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.moves++
    this.stream.sendData(bytes, offset, length, end)
    if (end) this.#complete(attempt, -1, false)
    else attempt.stream!.allow(this.stream.credit, this.stream.queued)
  }

  relayTrailers(attempt: Attempt, head: Head): void {
    this.stream.sendTrailers(head)
    this.#complete(attempt, head.grpcStatus, false, this.#loadReport(head))
  }

  upstreamCredit(attempt: Attempt): void {
    this.moves++
    if (!this.requestEnded) this.stream.allow(attempt.stream!.credit, attempt.stream!.queued)
  }

  /** What the endpoint says about its load in the last head of its response, where the balancer goes by it. */
  #loadReport({ block, length }: Head): LoadReport | undefined {
    if (!this.relay.listener.balancer.wantsLoadReports) return undefined
    const value = findField(block, length, LOAD_REPORT)
    return value === undefined ? undefined : decodeLoadReport(value)
  }

  /** `judged`: whether to retry has been asked, so that the failure is counted already. */
  #complete(attempt: Attempt, grpcStatus: number, judged: boolean, load?: LoadReport): void {
    this.responseEnded = true
    attempt.complete(grpcStatus, load)
    if (this.isGrpc) {
      if (grpcStatus === 0) this.relay.throttle.succeeded()
      else if (!judged && this.call?.retryPolicy?.retryable.has(grpcStatus)) this.relay.throttle.failed()
    }
    if (this.requestEnded) return this.close()
    // An HTTP/2 client is told to stop. One of HTTP/1.1 cannot be, and what it still sends may be about to end.
    if (this.client.protocol === 'h1') return
    attempt.stream!.reset(ErrorCode.CANCEL)
    this.close()
  }

  // Endings.

  /** The time is over. */
  timeOut(): void {
    // An endpoint that has begun to answer is not to blame for how long the client wanted to listen.
    this.#endEarly(TOO_LATE, this.attempt?.answered ? undefined : false)
  }

  idleOut(): void {
    // Without an attempt the call waits for an endpoint, or to be tried again.
    if (this.attempt === undefined) {
      this.moves++
      return this.relay.idle.add(this)
    }
    const isAwaited = this.requestEnded && !this.attempt.answered
    this.#endEarly(this.requestEnded ? IDLE : IDLE_CLIENT, isAwaited ? false : undefined)
  }

  #endEarly(reply: LocalReply, ok: boolean | undefined): void {
    this.relay.listener.meter.requests.timedOut++
    this.attempt?.abandon(ok)
    if (this.responseEnded) return this.endAnswered(ErrorCode.CANCEL)
    if (!this.committed) return this.answer(reply)
    if (!this.isGrpc) return this.breakOff(ErrorCode.CANCEL)
    sendLocalTrailers(this.stream, reply)
    this.close()
  }

  /** The proxy answers itself. */
  protected answer(reply: LocalReply): void {
    const { requests } = this.relay.listener.meter
    requests.refused++
    requests.classes[this.isGrpc ? 2 : (reply.status / 100) | 0]!++
    this.commit()
    sendLocalReply(this.stream, reply, this.method, this.isGrpc)
    this.close()
  }

  /** The response cannot be completed: the client must not take it for complete. */
  protected breakOff(code: number): void {
    this.relay.listener.meter.requests.broken++
    const isGone = code === ErrorCode.CONNECT_ERROR || code === ErrorCode.REFUSED_STREAM
    if (this.isGrpc && isGone) sendLocalTrailers(this.stream, brokenOff(GrpcStatus.UNAVAILABLE))
    // NO_ERROR might pass for an end, and REFUSED_STREAM says that nothing was done.
    else this.stream.reset(isGone || code === ErrorCode.NO_ERROR ? ErrorCode.INTERNAL_ERROR : code)
    this.close()
  }

  /** The response is complete, and nobody takes the rest of what the client sends. */
  protected endAnswered(code: number): void {
    if (this.#isTunnel) this.stream.reset(code)
    this.close()
  }
}
