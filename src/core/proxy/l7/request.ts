import type { PickRequest } from '../../balancer/policy.js'
import type { Upstream } from '../../balancer/upstream.js'
import { dialErrorText, isExhaustion, isLocalFailure } from '../dial-error.js'
import { Head, Method } from '../http/head.js'
import { type Broken, ErrorCode, type Stream, type UpstreamConnection } from '../http/stream.js'
import { Attempt, type AttemptOwner } from './attempt.js'
import type { CallConfig } from '../../balancer/call-config.js'
import type { RelayContext, RequestSource } from './context.js'
import type { Deadlined } from './deadlines.js'
import type { Moving } from './idle-requests.js'
import type { HttpEndpoint } from './endpoint.js'
import { grpcStatusOfReset } from './grpc-status.js'
import {
  brokenOff,
  CONNECT_REFUSED,
  type LocalReply,
  NO_ENDPOINT,
  NO_HTTP2,
  OVERLOADED,
  UNREACHABLE,
} from './local-reply.js'
import { rewriteCall } from './request-head.js'
import { backoffMs, isIdempotent, pushbackMs } from './retry.js'
import type { SavedRequest } from './saved-request.js'
import { ProtocolMismatch, type UpstreamPool } from './upstream-pool.js'
import type { HeldCall } from './waiting-room.js'

/** Nothing was sent to those that failed so. */
const UNCONNECTED: ReadonlySet<LocalReply> = new Set([UNREACHABLE, OVERLOADED, NO_HTTP2])
/** How often a request is sent to an endpoint in the other protocol: an endpoint that left without a word may be misjudged once. */
const MOST_REDIRECTIONS = 2

/** Stands in for the request's head when it is gone. */
const NO_HEAD = new Head()

/**
 * A client's request on its way to an endpoint: picks one and goes to it, and to another where that is safe: while nothing of
 * the response has been passed on and all of the request that has come is still at hand.
 */
export abstract class Request implements AttemptOwner, PickRequest, Deadlined, HeldCall, Moving {
  /** Set as it is put among the deadlines. */
  deadline = 0
  place = -1
  moves = 0
  seenMoves = -1
  quietSince = 0
  idlePlace = -1
  exclude: readonly Upstream[] | undefined = undefined
  prefer: string | undefined = undefined
  protected readonly relay: RelayContext
  protected readonly client: RequestSource
  protected readonly stream: Stream
  /** The client's, valid until `start` returns, or the saved one. */
  protected head: Head = NO_HEAD
  protected saved: SavedRequest | undefined = undefined
  protected attempt: Attempt | undefined = undefined
  protected call: CallConfig | undefined = undefined
  protected method: Head['method'] = Method.OTHER
  protected isGrpc = false
  /** The request's head was all of it. */
  protected bodiless = false
  /** All of the request has come. */
  protected requestEnded = false
  /** The response has begun to be passed on. */
  protected committed = false
  protected responseEnded = false
  protected over = false
  /** What the client is told if no further attempt is made. */
  #failure: LocalReply | undefined = undefined
  #cancelBackoff: (() => void) | undefined = undefined
  /** By the clock of attempts. */
  #endsAt: number | undefined = undefined
  #attempts = 0
  #policyRetries = 0
  /** Those that failed the request may be asked again. */
  #isSecondRound = false
  /** It has waited for an endpoint. */
  #wasHeld = false
  #redirections = 0

  constructor(stream: Stream, client: RequestSource, relay: RelayContext) {
    this.stream = stream
    this.client = client
    this.relay = relay
  }

  get key(): string | undefined {
    return this.client.hashKey(this.head)
  }

  abstract sendOn(attempt: Attempt, connection: UpstreamConnection): void
  abstract relayInterim(head: Head): void
  abstract relayHead(attempt: Attempt, head: Head, end: boolean): void
  abstract relayData(attempt: Attempt, bytes: Buffer, offset: number, length: number, end: boolean): void
  abstract relayTrailers(attempt: Attempt, head: Head): void
  abstract upstreamCredit(attempt: Attempt): void
  abstract timeOut(): void
  abstract idleOut(): void
  /** The proxy answers itself. */
  protected abstract answer(reply: LocalReply): void
  /** The response, which has begun, cannot be completed. */
  protected abstract breakOff(code: number): void
  /** The response is complete, and nobody takes the rest of what the client sends. */
  protected abstract endAnswered(code: number): void

  /** Takes the request in; called once, before anything else. */
  start(head: Head, end: boolean): void {
    const relay = this.relay
    const { requests } = relay.listener.meter
    requests.total++
    requests.active++
    this.head = head
    this.method = head.method
    this.isGrpc = head.isGrpc
    this.requestEnded = this.bodiless = end
    relay.idle.add(this)
    if (head.method === Method.CONNECT) return this.answer(CONNECT_REFUSED)
    if (head.isGrpc && !relay.calls.isEmpty) this.call = this.client.callConfig(head)
    const { sticky } = relay
    if (sticky !== undefined && !head.isGrpc) this.prefer = sticky.addressFor(head)
    this.#limitTime(head)
    relay.budget.deposit()
    if (relay.settings.attempts > 1 || this.call?.retryPolicy) this.save()
    this.#try()
    this.head = this.saved === undefined ? NO_HEAD : this.saved.head
  }

  #limitTime(head: Head): void {
    const { clock, deadlines, settings, listener } = this.relay
    const configured = this.call === undefined ? Infinity : this.call.timeoutMs
    const callMs = Math.min(head.timeoutMs, configured)
    const limitMs = Math.min(callMs, settings.requestTimeoutMs)
    if (limitMs === Infinity) return
    this.#endsAt = clock.now() + limitMs
    this.deadline = listener.ticker.in(limitMs)
    deadlines.add(this)
    if (configured < head.timeoutMs) rewriteCall(this.save().head, configured, false)
  }

  /** Picks an endpoint and sends the request to it, or has it wait for a connection. */
  #try(): void {
    const { listener, endpoints, clock } = this.relay
    this.moves++
    for (;;) {
      const picked = listener.balancer.tryPick(this)
      if (picked === undefined) return this.#noEndpoint()
      const { upstream } = picked
      const endpoint = endpoints.of(upstream.endpoint)
      const refusal = endpoints.refusal(upstream.endpoint, endpoint)
      if (refusal !== undefined) {
        picked.done({ ok: false })
        endpoint.meter.failed++
        this.#exclude(upstream)
        listener.trouble({ kind: 'refused_address', address: endpoint.address, reason: refusal })
        continue
      }
      const attempt = new Attempt(this, picked, endpoint, this.#poolOf(endpoint), clock)
      this.#attempts++
      this.attempt = attempt
      if (this.#place(attempt)) return
    }
  }

  /** The endpoint's connections for this request. */
  #poolOf(endpoint: HttpEndpoint): UpstreamPool {
    return endpoint.pool(this.client.protocol, this.head.upgrade !== '', this.isGrpc)
  }

  /** Sends the request, or has it wait for a connection. False if the endpoint has too much to do and another is to be tried. */
  #place(attempt: Attempt): boolean {
    const { listener, settings } = this.relay
    const { endpoint, pool } = attempt
    if (endpoint.meter.requestsActive < settings.upstreamLimits.maxRequests) {
      const connection = pool.take()
      // Until the endpoint has shown what it speaks, the request may have to be sent in another protocol.
      if (!connection || !pool.confirmed) this.save()
      if (connection) {
        this.sendOn(attempt, connection)
        return true
      }
      if (pool.wait(attempt)) return true
    }
    attempt.finish(undefined)
    this.attempt = undefined
    this.#failure = OVERLOADED
    listener.trouble({ kind: 'overloaded', address: endpoint.address, reason: 'as much is under way as is allowed' })
    this.#exclude(attempt.picked.upstream)
    if (this.#attempts < settings.attempts) return false
    this.answer(OVERLOADED)
    return true
  }

  /** Goes to the same endpoint in the protocol that it turned out to speak, which is no retry. Tells whether it did. */
  #redirected(attempt: Attempt): boolean {
    if (!this.#mayRepeat(false) || this.#redirections >= MOST_REDIRECTIONS) return false
    const pool = this.#poolOf(attempt.endpoint)
    if (pool === attempt.pool) return false
    this.#redirections++
    this.head = this.saved!.head
    attempt.moveTo(pool)
    if (!this.#place(attempt)) this.#try()
    return true
  }

  attemptUnconnected(attempt: Attempt, error: Error): void {
    if (error instanceof ProtocolMismatch && this.#redirected(attempt)) return
    const { listener } = this.relay
    const isMisplaced = error instanceof ProtocolMismatch && error.certain
    attempt.finish(isMisplaced || isLocalFailure(error) ? undefined : false)
    const { address } = attempt.endpoint
    // One that is held looks again anyway: of the retries, which all share, it took its part before.
    const retries = !this.#wasHeld && !isExhaustion(error) && this.#mayRepeat(true)
    const failure = isMisplaced && this.isGrpc ? NO_HTTP2 : UNREACHABLE
    if (failure === NO_HTTP2) listener.trouble({ kind: 'other_protocol', address, reason: NO_HTTP2.text })
    else listener.trouble({ kind: 'connect_failed', address, reason: dialErrorText(error) })
    this.#failure = failure
    this.#exclude(attempt.picked.upstream)
    this.attempt = undefined
    if (retries) return this.#again()
    if (this.isGrpc && this.#mayRetryCall(failure.grpcStatus)) return this.#retryCall(attempt, undefined)
    this.#holdOrAnswer(failure)
  }

  attemptBroken(attempt: Attempt, broken: Broken): void {
    const { listener } = this.relay
    if (this.responseEnded) return this.endAnswered(broken.code)
    const unprocessed = broken.processed === 'no'
    if (unprocessed && this.#redirected(attempt)) return
    attempt.finish(unprocessed ? undefined : false)
    const { address } = attempt.endpoint
    if (!unprocessed) listener.trouble({ kind: 'broken_off', address, reason: broken.reason })
    if (this.committed) return this.breakOff(broken.code)
    this.attempt = undefined
    const status = grpcStatusOfReset(broken.code)
    this.#failure = brokenOff(status)
    if (unprocessed || (broken.processed === 'maybe' && isIdempotent(this.method))) {
      if (this.#mayRepeat(true)) {
        this.#exclude(attempt.picked.upstream)
        return this.#again()
      }
    }
    if (this.isGrpc && this.#mayRetryCall(status)) return this.#retryCall(attempt, undefined)
    this.answer(this.#failure)
  }

  /** Tries a call again that failed so, if it is to be; nothing of it has been passed on. Tells whether it did. */
  protected retriesOnStatus(attempt: Attempt, trailers: Head): boolean {
    if (this.call?.retryPolicy === undefined) return false
    const pushback = pushbackMs(trailers)
    if (pushback === -1) {
      this.relay.throttle.failed()
      return false
    }
    if (!this.#mayRetryCall(trailers.grpcStatus)) return false
    attempt.complete(trailers.grpcStatus)
    // What is left of the request is not for this endpoint any more.
    if (!this.requestEnded) attempt.stream!.reset(ErrorCode.CANCEL)
    this.attempt = undefined
    this.#retryCall(attempt, pushback)
    return true
  }

  /** Whether the service config has calls tried again that failed so. */
  #mayRetryCall(status: number): boolean {
    const policy = this.call?.retryPolicy
    if (policy === undefined || !policy.retryable.has(status)) return false
    this.relay.throttle.failed()
    return this.relay.throttle.allows && this.#policyRetries + 1 < policy.maxAttempts && this.#mayRepeat(false)
  }

  #retryCall(attempt: Attempt, pushback: number | undefined): void {
    const { listener, clock } = this.relay
    const policy = this.call!.retryPolicy!
    this.#policyRetries++
    this.#exclude(attempt.picked.upstream)
    const { random } = listener.runtime
    const delayMs = pushback ?? backoffMs(policy, this.#policyRetries, random.next())
    this.#cancelBackoff = listener.runtime.clock.after(delayMs, () => {
      this.#cancelBackoff = undefined
      rewriteCall(this.saved!.head, this.#endsAt === undefined ? Infinity : this.#endsAt - clock.now(), true)
      this.#again()
    })
  }

  /** Whether all is still at hand that another attempt needs, and it is allowed. `counted`: against `retries` and the budget. */
  #mayRepeat(counted: boolean): boolean {
    if (this.committed || this.saved === undefined) return false
    return !counted || (this.#attempts < this.relay.settings.attempts && this.relay.budget.take())
  }

  #again(): void {
    this.relay.listener.meter.requests.retries++
    this.head = this.saved!.head
    this.#isSecondRound = false
    this.#try()
  }

  #exclude(upstream: Upstream): void {
    this.exclude = [...(this.exclude ?? []), upstream]
  }

  #noEndpoint(): void {
    // What could be connected to may be asked again where there is no other: on another connection, or in a better moment.
    const failure = this.#failure
    const couldConnect = failure === undefined ? this.#policyRetries > 0 : !UNCONNECTED.has(failure)
    if (couldConnect && !this.#isSecondRound) {
      this.#isSecondRound = true
      this.exclude = undefined
      return this.#try()
    }
    if (this.#failure === undefined) {
      const { listener } = this.relay
      listener.trouble({ kind: 'no_endpoints', reason: listener.balancer.failure().message })
    }
    this.#holdOrAnswer(this.#failure ?? NO_ENDPOINT)
  }

  /** Without an endpoint: the call waits for one if it is to ("wait for ready"), as far as there is room. */
  #holdOrAnswer(reply: LocalReply): void {
    const { waiting, settings } = this.relay
    if (!this.call?.waitForReady || waiting.size >= settings.upstreamLimits.maxPending) return this.answer(reply)
    this.save()
    this.exclude = undefined
    this.#failure = undefined
    this.#attempts = 0
    this.#wasHeld = true
    waiting.enter(this)
  }

  lookAgain(): void {
    this.#try()
  }

  protected save(): SavedRequest {
    if (this.saved === undefined) {
      this.saved = this.relay.saved.save(this.head)
      this.head = this.saved.head
    }
    return this.saved
  }

  protected forget(): void {
    if (this.saved === undefined) return
    this.relay.saved.give(this.saved)
    this.saved = undefined
    this.head = NO_HEAD
  }

  /** The response begins: there will be no other attempt. */
  protected commit(): void {
    this.committed = true
    if (this.#cancelBackoff) this.#cancelBackoff()
    this.forget()
  }

  protected close(): void {
    if (this.over) return
    this.over = true
    if (this.#cancelBackoff) this.#cancelBackoff()
    this.forget()
    this.relay.deadlines.remove(this)
    this.relay.idle.remove(this)
    if (this.call?.waitForReady) this.relay.waiting.leave(this)
    this.relay.listener.meter.requests.active--
    // What the client still sends is read and dropped; the codec decides for how long.
    if (!this.requestEnded) this.stream.allow(Infinity, 0)
  }
}
