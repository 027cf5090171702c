import type { PickResult } from '../../balancer/contract.js'
import type { PickRequest } from '../../balancer/policy.js'
import type { Upstream } from '../../balancer/upstream.js'
import { decodeLoadReport, LOAD_REPORT_FIELD } from '../../balancer/orca/decode.js'
import type { LoadReport } from '../../balancer/orca/load-report.js'
import { asFairleadError } from '../../errors.js'
import { dialErrorText, isExhaustion, isLocalFailure } from '../dial-error.js'
import { findField } from '../http/field-block.js'
import { Head, Method, NO_FIELDS } from '../http/head.js'
import { nameOf } from '../http/names.js'
import { type Broken, ErrorCode, type Stream, type StreamReceiver, type UpstreamConnection } from '../http/stream.js'
import { Attempt, type AttemptOwner } from './attempt.js'
import type { CallConfig } from './call-config.js'
import type { RelayContext, RequestSource } from './context.js'
import type { Deadlined } from './deadlines.js'
import { GrpcStatus, grpcStatusOfReset } from './grpc-status.js'
import {
  brokenOff,
  CONNECT_REFUSED,
  type LocalReply,
  NO_ENDPOINT,
  OVERLOADED,
  sendLocalReply,
  sendLocalTrailers,
  TOO_LATE,
  UNREACHABLE,
} from './local-reply.js'
import { rewriteCall } from './request-head.js'
import { backoffMs, isIdempotent, pushbackMs } from './retry.js'
import type { HeldCall } from './waiting-room.js'
import { copyHead, REPLAY_BYTES, type SavedRequest } from './saved-request.js'

const LOAD_REPORT = nameOf(LOAD_REPORT_FIELD)

/** Stands in for the request's head when it is gone. */
const NO_HEAD = new Head()

/**
 * One request of a client and what becomes of it: an endpoint is picked, the request relayed to it and the response back, each
 * direction ending by itself. Tries again elsewhere where that is safe: while nothing of the response has been passed on and
 * all of the request that has come is still at hand.
 */
export class Exchange implements StreamReceiver, AttemptOwner, PickRequest, Deadlined, HeldCall {
  deadline = Infinity
  place = -1
  exclude: readonly Upstream[] | undefined = undefined
  prefer: string | undefined = undefined
  readonly #relay: RelayContext
  readonly #client: RequestSource
  readonly #stream: Stream
  /** The client's, valid until `start` returns, or the saved one. */
  #head: Head = NO_HEAD
  #saved: SavedRequest | undefined = undefined
  #attempt: Attempt | undefined = undefined
  #call: CallConfig | undefined = undefined
  /** What the client is told if no further attempt is made. */
  #failure: LocalReply | undefined = undefined
  #cancelBackoff: (() => void) | undefined = undefined
  /** By the clock of attempts; Infinity without a deadline. */
  #endsAt = Infinity
  #attempts = 0
  #policyRetries = 0
  #method: Head['method'] = Method.OTHER
  #isGrpc = false
  /** The request's head was all of it. */
  #bodiless = false
  /** All of the request has come. */
  #requestEnded = false
  /** The response has begun to be passed on. */
  #committed = false
  #responseEnded = false
  /** Both sides have become streams of bytes (101), of which each ends by itself. */
  #isTunnel = false
  #over = false

  constructor(stream: Stream, client: RequestSource, relay: RelayContext) {
    this.#stream = stream
    this.#client = client
    this.#relay = relay
  }

  get key(): string | undefined {
    return this.#client.hashKey(this.#head)
  }

  /** Takes the request in; called once, before anything else. */
  start(head: Head, end: boolean): void {
    const relay = this.#relay
    const { requests } = relay.listener.meter
    requests.total++
    requests.active++
    this.#head = head
    this.#method = head.method
    this.#isGrpc = head.isGrpc
    this.#requestEnded = this.#bodiless = end
    if (head.method === Method.CONNECT) return this.#answer(CONNECT_REFUSED)
    if (head.isGrpc && !relay.calls.isEmpty) this.#call = this.#client.callConfig(head)
    const { sticky } = relay
    if (sticky !== undefined && !head.isGrpc) this.prefer = sticky.addressFor(head)
    this.#limitTime(head)
    relay.budget.deposit()
    if (relay.settings.attempts > 1 || this.#call?.retryPolicy) this.#save()
    this.#try()
    this.#head = this.#saved === undefined ? NO_HEAD : this.#saved.head
  }

  #limitTime(head: Head): void {
    const { clock, deadlines, settings, listener } = this.#relay
    const configured = this.#call === undefined ? Infinity : this.#call.timeoutMs
    const callMs = Math.min(head.timeoutMs, configured)
    const limitMs = Math.min(callMs, settings.requestTimeoutMs)
    if (limitMs === Infinity) return
    this.#endsAt = clock.now() + limitMs
    this.deadline = listener.ticker.in(limitMs)
    deadlines.add(this)
    if (configured < head.timeoutMs) rewriteCall(this.#save().head, configured, false)
  }

  /** Picks an endpoint and sends the request to it, or has it wait for a connection. */
  #try(): void {
    const { listener, endpoints, settings, clock } = this.#relay
    for (;;) {
      let picked: PickResult
      try {
        picked = listener.balancer.pick(this)
      } catch (error) {
        return this.#noEndpoint(error)
      }
      const { upstream } = picked
      const endpoint = endpoints.of(upstream.endpoint)
      const refusal = endpoints.refusal(upstream.endpoint, endpoint)
      if (refusal !== undefined) {
        picked.done({ ok: false })
        this.#exclude(upstream)
        listener.trouble({ kind: 'refused_address', address: endpoint.address, reason: refusal })
        continue
      }
      const pool = endpoint.pool(this.#client.protocol, this.#head.upgrade !== '')
      const attempt = new Attempt(this, picked, endpoint, pool, clock)
      this.#attempts++
      this.#attempt = attempt
      if (endpoint.meter.requestsActive < settings.upstreamLimits.maxRequests) {
        const connection = pool.take()
        if (connection) return this.sendOn(attempt, connection)
        this.#save()
        if (pool.wait(attempt)) return
      }
      attempt.finish(undefined)
      this.#attempt = undefined
      this.#failure = OVERLOADED
      listener.trouble({ kind: 'overloaded', address: endpoint.address, reason: 'as much is under way as is allowed' })
      this.#exclude(upstream)
      if (this.#attempts >= settings.attempts) return this.#answer(OVERLOADED)
    }
  }

  sendOn(attempt: Attempt, connection: UpstreamConnection): void {
    const saved = this.#saved
    const extra = this.#client.forwarded.for(this.#head)
    // An end that came late is sent late: gRPC servers of Go do not hear of one in the head.
    const up = attempt.open(connection, this.#head, extra, this.#bodiless)
    if (saved !== undefined && !this.#bodiless && (saved.bodyLength > 0 || this.#requestEnded)) {
      up.sendData(saved.body, 0, saved.bodyLength, this.#requestEnded && saved.trailers === undefined)
      if (saved.trailers) up.sendTrailers(saved.trailers)
      attempt.endpoint.meter.bytesSent += saved.bodyLength
      if (saved.bodyLength > REPLAY_BYTES) this.#forget()
    }
    if (!this.#requestEnded) this.#stream.allow(up.credit, up.queued)
    up.allow(this.#stream.credit, this.#stream.queued)
  }

  // From the client.

  onData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    if (end) this.#requestEnded = true
    if (this.#over) return
    const up = this.#attempt?.stream
    const isKept = this.#saved === undefined || this.#relay.saved.append(this.#saved, bytes, offset, length)
    if (up === undefined) {
      if (!end) this.#stream.allow(0, this.#saved!.bodyLength)
      return
    }
    if (!isKept) this.#forget()
    this.#attempt!.endpoint.meter.bytesSent += length
    up.sendData(bytes, offset, length, end)
    if (!end) this.#stream.allow(up.credit, up.queued)
    else if (this.#responseEnded) this.#close()
  }

  onTrailers(head: Head): void {
    this.#requestEnded = true
    if (this.#over) return
    if (this.#saved) copyHead(head, (this.#saved.trailers = new Head()))
    this.#attempt?.stream?.sendTrailers(head)
    if (this.#responseEnded) this.#close()
  }

  /** The client gave up, or is gone. */
  onBroken(): void {
    if (this.#over) return
    if (!this.#responseEnded) this.#relay.listener.meter.requests.cancelled++
    this.#attempt?.abandon(undefined)
    this.#close()
  }

  onCredit(): void {
    if (!this.#over) this.#attempt?.stream?.allow(this.#stream.credit, this.#stream.queued)
  }

  onInterim(): void {}
  onHead(): void {}

  // From the endpoint.

  relayInterim(head: Head): void {
    this.#relay.listener.meter.requests.classes[1]!++
    this.#stream.sendInterim(head)
  }

  relayHead(attempt: Attempt, head: Head, end: boolean): void {
    if (end && head.grpcStatus > 0 && this.#retryOnStatus(attempt, head)) return
    this.#commit()
    const { classes } = this.#relay.listener.meter.requests
    classes[(head.status / 100) | 0]!++
    if (head.status === 101) this.#isTunnel = true
    this.#stream.sendHead(head, this.#stickyField(attempt), end)
    if (end) this.#complete(attempt, head.grpcStatus, true, this.#loadReport(head))
    else attempt.stream!.allow(this.#stream.credit, this.#stream.queued)
  }

  #stickyField(attempt: Attempt): Buffer {
    const { sticky } = this.#relay
    const { address } = attempt.endpoint
    if (sticky === undefined || this.#isGrpc || address === this.prefer) return NO_FIELDS
    return sticky.fieldFor(address, this.#client.secure)
  }

  relayData(attempt: Attempt, bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.#stream.sendData(bytes, offset, length, end)
    if (end) this.#complete(attempt, -1, false)
    else attempt.stream!.allow(this.#stream.credit, this.#stream.queued)
  }

  relayTrailers(attempt: Attempt, head: Head): void {
    this.#stream.sendTrailers(head)
    this.#complete(attempt, head.grpcStatus, false, this.#loadReport(head))
  }

  upstreamCredit(attempt: Attempt): void {
    if (!this.#requestEnded) this.#stream.allow(attempt.stream!.credit, attempt.stream!.queued)
  }

  /** What the endpoint says about its load in the last head of its response, where the balancer goes by it. */
  #loadReport({ block, length }: Head): LoadReport | undefined {
    if (!this.#relay.listener.balancer.wantsLoadReports) return undefined
    const value = findField(block, length, LOAD_REPORT)
    return value === undefined ? undefined : decodeLoadReport(value)
  }

  /** `judged`: whether to retry has been asked, so that the failure is counted already. */
  #complete(attempt: Attempt, grpcStatus: number, judged: boolean, load?: LoadReport): void {
    this.#responseEnded = true
    attempt.complete(grpcStatus, load)
    if (this.#isGrpc) {
      if (grpcStatus === 0) this.#relay.throttle.succeeded()
      else if (!judged && this.#call?.retryPolicy?.retryable.has(grpcStatus)) this.#relay.throttle.failed()
    }
    if (this.#requestEnded) return this.#close()
    // An HTTP/2 client is told to stop. One of HTTP/1.1 cannot be, and what it still sends may be about to end.
    if (this.#client.protocol === 'h1') return
    attempt.stream!.reset(ErrorCode.CANCEL)
    this.#close()
  }

  attemptUnconnected(attempt: Attempt, error: Error): void {
    const { listener } = this.#relay
    attempt.finish(isLocalFailure(error) ? undefined : false)
    const { address } = attempt.endpoint
    const retries = !isExhaustion(error) && this.#mayRepeat(true)
    listener.trouble({ kind: 'connect_failed', address, reason: dialErrorText(error), final: !retries })
    this.#failure = UNREACHABLE
    this.#exclude(attempt.picked.upstream)
    this.#attempt = undefined
    if (retries) return this.#again()
    if (this.#isGrpc && this.#mayRetryCall(UNREACHABLE.grpcStatus)) return this.#retryCall(attempt, undefined)
    this.#holdOrAnswer(UNREACHABLE)
  }

  attemptBroken(attempt: Attempt, broken: Broken): void {
    const { listener } = this.#relay
    if (this.#responseEnded) return this.#endAnswered(broken.code)
    const unprocessed = broken.processed === 'no'
    attempt.finish(unprocessed ? undefined : false)
    const { address } = attempt.endpoint
    if (!unprocessed) listener.trouble({ kind: 'broken_off', address, reason: broken.reason })
    if (this.#committed) return this.#breakOff(broken.code)
    this.#attempt = undefined
    const status = grpcStatusOfReset(broken.code)
    this.#failure = brokenOff(status)
    if (unprocessed || (broken.processed === 'maybe' && isIdempotent(this.#method))) {
      if (this.#mayRepeat(true)) {
        this.#exclude(attempt.picked.upstream)
        return this.#again()
      }
    }
    if (this.#isGrpc && this.#mayRetryCall(status)) return this.#retryCall(attempt, undefined)
    this.#answer(this.#failure)
  }

  /** Whether a failed call is tried again; nothing of it has been passed on. */
  #retryOnStatus(attempt: Attempt, trailers: Head): boolean {
    if (this.#call?.retryPolicy === undefined) return false
    const pushback = pushbackMs(trailers)
    if (pushback === -1) {
      this.#relay.throttle.failed()
      return false
    }
    if (!this.#mayRetryCall(trailers.grpcStatus)) return false
    attempt.complete(trailers.grpcStatus)
    // What is left of the request is not for this endpoint any more.
    if (!this.#requestEnded) attempt.stream!.reset(ErrorCode.CANCEL)
    this.#attempt = undefined
    this.#retryCall(attempt, pushback)
    return true
  }

  /** Whether the service config has calls tried again that failed so. */
  #mayRetryCall(status: number): boolean {
    const policy = this.#call?.retryPolicy
    if (policy === undefined || !policy.retryable.has(status)) return false
    this.#relay.throttle.failed()
    return this.#relay.throttle.allows && this.#policyRetries + 1 < policy.maxAttempts && this.#mayRepeat(false)
  }

  #retryCall(attempt: Attempt, pushback: number | undefined): void {
    const { listener, clock } = this.#relay
    const policy = this.#call!.retryPolicy!
    this.#policyRetries++
    this.#exclude(attempt.picked.upstream)
    const { random } = listener.runtime
    const delayMs = pushback ?? backoffMs(policy, this.#policyRetries, random.next())
    this.#cancelBackoff = listener.runtime.clock.after(delayMs, () => {
      this.#cancelBackoff = undefined
      rewriteCall(this.#saved!.head, this.#endsAt === Infinity ? Infinity : this.#endsAt - clock.now(), true)
      this.#again()
    })
  }

  /** Whether all is still at hand that another attempt needs, and it is allowed. `counted`: against `retries` and the budget. */
  #mayRepeat(counted: boolean): boolean {
    if (this.#committed || this.#saved === undefined) return false
    return !counted || (this.#attempts < this.#relay.settings.attempts && this.#relay.budget.take())
  }

  #again(): void {
    this.#relay.listener.meter.requests.retries++
    this.#head = this.#saved!.head
    this.#try()
  }

  #exclude(upstream: Upstream): void {
    this.exclude = [...(this.exclude ?? []), upstream]
  }

  #noEndpoint(error: unknown): void {
    // A call that an endpoint failed may go to it again where there is no other (gRFC A6 knows no exclusion).
    if (this.#policyRetries > 0 && this.exclude !== undefined && this.#failure !== UNREACHABLE) {
      this.exclude = undefined
      return this.#try()
    }
    if (this.#failure === undefined) {
      this.#relay.listener.trouble({ kind: 'no_endpoints', reason: asFairleadError(error).message })
    }
    this.#holdOrAnswer(this.#failure ?? NO_ENDPOINT)
  }

  /** Without an endpoint: the call waits for one if it is to ("wait for ready"), as far as there is room. */
  #holdOrAnswer(reply: LocalReply): void {
    const { waiting, settings } = this.#relay
    if (!this.#call?.waitForReady || waiting.size >= settings.upstreamLimits.maxPending) return this.#answer(reply)
    this.#save()
    this.exclude = undefined
    this.#failure = undefined
    this.#attempts = 0
    waiting.enter(this)
  }

  lookAgain(): void {
    this.#try()
  }

  // Endings.

  /** The time is over. */
  timeOut(): void {
    this.#relay.listener.meter.requests.timedOut++
    // An endpoint that has begun to answer is not to blame for how long the client wanted to listen.
    this.#attempt?.abandon(this.#attempt.answered ? undefined : false)
    if (this.#responseEnded) return this.#endAnswered(ErrorCode.CANCEL)
    if (!this.#committed) return this.#answer(TOO_LATE)
    if (!this.#isGrpc) return this.#breakOff(ErrorCode.CANCEL)
    sendLocalTrailers(this.#stream, TOO_LATE)
    this.#close()
  }

  /** The proxy answers itself. */
  #answer(reply: LocalReply): void {
    const { requests } = this.#relay.listener.meter
    requests.refused++
    requests.classes[this.#isGrpc ? 2 : (reply.status / 100) | 0]!++
    this.#commit()
    sendLocalReply(this.#stream, reply, this.#method, this.#isGrpc)
    this.#close()
  }

  /** The response cannot be completed: the client must not take it for complete. */
  #breakOff(code: number): void {
    this.#relay.listener.meter.requests.broken++
    if (this.#isGrpc && code === ErrorCode.CONNECT_ERROR)
      sendLocalTrailers(this.#stream, brokenOff(GrpcStatus.UNAVAILABLE))
    else this.#stream.reset(code === ErrorCode.CONNECT_ERROR ? ErrorCode.INTERNAL_ERROR : code)
    this.#close()
  }

  /** The response is complete, and nobody takes the rest of what the client sends. */
  #endAnswered(code: number): void {
    if (this.#isTunnel) this.#stream.reset(code)
    this.#close()
  }

  #save(): SavedRequest {
    if (this.#saved === undefined) {
      this.#saved = this.#relay.saved.save(this.#head)
      this.#head = this.#saved.head
    }
    return this.#saved
  }

  #forget(): void {
    if (this.#saved === undefined) return
    this.#relay.saved.give(this.#saved)
    this.#saved = undefined
    this.#head = NO_HEAD
  }

  /** The response begins: there will be no other attempt. */
  #commit(): void {
    this.#committed = true
    if (this.#cancelBackoff) this.#cancelBackoff()
    this.#forget()
  }

  #close(): void {
    if (this.#over) return
    this.#over = true
    if (this.#cancelBackoff) this.#cancelBackoff()
    this.#forget()
    this.#relay.deadlines.remove(this)
    if (this.#call?.waitForReady) this.#relay.waiting.leave(this)
    this.#relay.listener.meter.requests.active--
    // What the client still sends is read and dropped; the codec decides for how long.
    if (!this.#requestEnded) this.#stream.allow(Infinity, 0)
  }
}
