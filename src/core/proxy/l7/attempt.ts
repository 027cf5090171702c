import type { PickResult } from '../../balancer/contract.js'
import type { LoadReport } from '../../balancer/orca/load-report.js'
import type { Head } from '../http/head.js'
import { type Broken, ErrorCode, type Stream, type StreamReceiver, type UpstreamConnection } from '../http/stream.js'
import { UNITS_PER_MS } from '../latency-histogram.js'
import type { HttpEndpoint } from './endpoint.js'
import { isEndpointFailure } from './grpc-status.js'
import type { TurnClock } from './turn-clock.js'
import type { UpstreamPool, Waiter } from './upstream-pool.js'

/** What an attempt tells the exchange it is for. None of it after `abandon`. */
export interface AttemptOwner {
  /** There is room on `connection` for the request, now. */
  sendOn(attempt: Attempt, connection: UpstreamConnection): void
  attemptUnconnected(attempt: Attempt, error: Error): void
  attemptBroken(attempt: Attempt, broken: Broken): void
  relayInterim(head: Head): void
  relayHead(attempt: Attempt, head: Head, end: boolean): void
  relayData(attempt: Attempt, bytes: Buffer, offset: number, length: number, end: boolean): void
  relayTrailers(attempt: Attempt, head: Head): void
  upstreamCredit(attempt: Attempt): void
}

/** A time on a circle of 2^32 units, 18 hours: differences up to half of it are right. */
function units(ms: number): number {
  return (ms * UNITS_PER_MS) | 0
}

/** Handed to the balancer, which reads them at once: no object for each request. */
const outcome: { ok: boolean | undefined; endedAt: number } = { ok: undefined, endedAt: 0 }
const timedOutcome: { ok: boolean | undefined; latencyMs: number; endedAt: number } = {
  ok: undefined,
  latencyMs: 0,
  endedAt: 0,
}

/** One request to one endpoint: picked, sent, answered. Tells the balancer and the meters the end of it, once. */
export class Attempt implements StreamReceiver, Waiter {
  readonly picked: PickResult
  readonly endpoint: HttpEndpoint
  /** The request's stream, once it is sent. */
  stream: Stream | undefined
  /** Whether the response has begun. */
  answered = false
  readonly #owner: AttemptOwner
  pool: UpstreamPool
  readonly #clock: TurnClock
  /** Times are in units that make them small integers: a fraction would be an object of its own. */
  #startedAt = 0
  #answeredAt = 0
  #latency = -1
  #status = 0
  /** The balancer knows that the response goes on. */
  #told = false
  #sent = false
  #finished = false

  constructor(owner: AttemptOwner, picked: PickResult, endpoint: HttpEndpoint, pool: UpstreamPool, clock: TurnClock) {
    this.#owner = owner
    this.picked = picked
    this.endpoint = endpoint
    this.pool = pool
    this.#clock = clock
  }

  connected(connection: UpstreamConnection): void {
    this.#owner.sendOn(this, connection)
  }

  connectFailed(error: Error): void {
    this.#owner.attemptUnconnected(this, error)
  }

  /** Sends the request's head. */
  open(connection: UpstreamConnection, head: Head, extra: Buffer, end: boolean): Stream {
    const { meter } = this.endpoint
    meter.requests++
    meter.requestsActive++
    this.#sent = true
    this.#startedAt = units(this.#clock.now())
    return (this.stream = connection.open(head, extra, end, this))
  }

  /** Begins anew on other connections of the endpoint, as if nothing had been sent. */
  moveTo(pool: UpstreamPool): void {
    if (this.#sent) {
      const { meter } = this.endpoint
      meter.requests--
      meter.requestsActive--
      this.#sent = false
    }
    this.stream = undefined
    this.pool = pool
  }

  /** Gives up, telling nobody but the endpoint and the balancer. */
  abandon(ok: boolean | undefined): void {
    if (this.stream) this.stream.reset(ErrorCode.CANCEL)
    else this.pool.leave(this)
    this.finish(ok)
  }

  /** Whether the endpoint did well; undefined where this says nothing about it. Only the first call counts. */
  finish(ok: boolean | undefined, load?: LoadReport): void {
    if (this.#finished) return
    this.#finished = true
    const { meter } = this.endpoint
    if (this.#sent) meter.requestsActive--
    if (ok === true) meter.succeeded++
    else if (ok === false) {
      meter.failed++
      meter.requestsFailed++
    }
    if (load !== undefined) this.picked.done({ ok, latencyMs: this.#latency / UNITS_PER_MS, load })
    else if (this.#latency < 0) {
      outcome.ok = ok
      outcome.endedAt = this.#clock.now()
      this.picked.done(outcome)
    } else {
      timedOutcome.ok = ok
      timedOutcome.latencyMs = this.#latency / UNITS_PER_MS
      timedOutcome.endedAt = this.#clock.now()
      this.picked.done(timedOutcome)
    }
  }

  /** The response is complete. `load` is what the endpoint says of itself. */
  complete(grpcStatus: number, load?: LoadReport): void {
    this.finish(!isEndpointFailure(this.#status, grpcStatus), load)
  }

  onInterim(head: Head): void {
    this.#owner.relayInterim(head)
  }

  onHead(head: Head, end: boolean): void {
    this.answered = true
    this.#answeredAt = units(this.#clock.now())
    this.#latency = Math.max(0, (this.#answeredAt - this.#startedAt) | 0)
    this.endpoint.meter.latency.record(this.#latency)
    this.#status = head.status
    this.#owner.relayHead(this, head, end)
  }

  onData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.endpoint.meter.bytesReceived += length
    // A response that goes on beyond the turn it began in may go on for long: what is known of it counts from now on.
    if (!this.#told && !end && units(this.#clock.now()) !== this.#answeredAt) this.#tellAnswered()
    this.#owner.relayData(this, bytes, offset, length, end)
  }

  #tellAnswered(): void {
    this.#told = true
    if (this.#status < 500) this.picked.answered(this.#latency / UNITS_PER_MS)
  }

  onTrailers(head: Head): void {
    this.#owner.relayTrailers(this, head)
  }

  onBroken(broken: Broken): void {
    this.#owner.attemptBroken(this, broken)
  }

  onCredit(): void {
    this.#owner.upstreamCredit(this)
  }
}
