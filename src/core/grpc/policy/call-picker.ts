import { experimental, type Metadata, status } from '@grpc/grpc-js'
import type { Balancer, PickResult } from '../../balancer/contract.js'
import { isFailedCall } from '../../balancer/failed-call.js'
import { LOAD_REPORT_FIELD, readLoadReport } from '../../balancer/orca/decode.js'
import type { LoadReport } from '../../balancer/orca/load-report.js'
import type { PickRequest } from '../../balancer/policy.js'
import type { Upstream } from '../../balancer/upstream.js'
import type { Clock } from '../../runtime.js'
import { observed } from '../observed-subchannel.js'
import { FailedAttempts } from './failed-attempts.js'
import { Reservations } from './reservations.js'

/** Where a call to an endpoint is sent; undefined where it cannot be sent at once. */
export type SubchannelOf = (upstream: Upstream) => experimental.SubchannelInterface | undefined
/** What a policy that chooses by key goes by in a call. */
export type KeyOf = (metadata: Metadata) => string | undefined

/** So many endpoints that turn out not to be connected are passed over before a call waits for news. */
const MOST_PASSED_OVER = 8

const WAIT: experimental.PickResult = {
  pickResultType: experimental.PickResultType.QUEUE,
  subchannel: null,
  status: null,
  onCallStarted: null,
  onCallEnded: null,
}

/** Chooses for calls, counts them, and tells the balancer how they ended. */
export class CallPicker implements experimental.Picker {
  readonly #balancer: Balancer
  readonly #subchannelOf: SubchannelOf
  readonly #clock: Clock
  readonly #reservations: Reservations
  readonly #failed = new FailedAttempts()
  /** Undefined where the policy goes by no key. */
  keyOf: KeyOf | undefined
  /** Whether it matters when a call is answered first: its end, which is told anyway, is late news of a stream. */
  byLatency = false

  constructor(balancer: Balancer, subchannelOf: SubchannelOf, clock: Clock) {
    this.#balancer = balancer
    this.#subchannelOf = subchannelOf
    this.#clock = clock
    this.#reservations = new Reservations(clock)
  }

  pick({ metadata }: experimental.PickArgs): experimental.PickResult {
    const key = this.keyOf?.(metadata)
    const tried = this.#failed.of(metadata)
    return (tried && this.#pick(metadata, { key, exclude: tried })) ?? this.#pick(metadata, { key }) ?? WAIT
  }

  close(): void {
    this.#reservations.close()
  }

  /** Undefined where there is nobody to send the call to. */
  #pick(metadata: Metadata, request: PickRequest): experimental.PickResult | undefined {
    const passedOver: Upstream[] = []
    for (let i = 0; i < MOST_PASSED_OVER; i++) {
      const exclude = passedOver.length === 0 ? request.exclude : [...(request.exclude ?? []), ...passedOver]
      const pick = this.#balancer.tryPick(exclude === request.exclude ? request : { ...request, exclude })
      if (pick === undefined) return undefined
      const subchannel = this.#subchannelOf(pick.upstream)
      if (subchannel !== undefined) return this.#begin(pick, subchannel, metadata)
      pick.done({ ok: undefined })
      // A call with a key belongs to this endpoint, which is being connected to.
      if (request.key !== undefined) return WAIT
      passedOver.push(pick.upstream)
    }
    return WAIT
  }

  #begin(pick: PickResult, subchannel: experimental.SubchannelInterface, sent: Metadata): experimental.PickResult {
    const reservation = this.#reservations.add(pick)
    let began = 0
    let answered = false
    const onAnswer =
      this.byLatency &&
      (() => {
        answered = true
        pick.answered(this.#clock.now() - began)
      })
    return {
      pickResultType: experimental.PickResultType.COMPLETE,
      subchannel: onAnswer ? observed(subchannel, { answered: onAnswer }) : subchannel,
      status: null,
      onCallStarted: () => {
        began = this.#clock.now()
        this.#reservations.remove(reservation)
      },
      onCallEnded: (code, _details, trailers) => {
        const endedAt = this.#clock.now()
        if (code !== status.OK && code !== status.CANCELLED) this.#failed.add(sent, pick.upstream)
        const latency = answered ? undefined : { latencyMs: endedAt - began }
        const load = this.#balancer.wantsLoadReports ? loadIn(trailers) : undefined
        pick.done({ ok: resultOf(code), endedAt, ...latency, ...(load && { load }) })
      },
    }
  }
}

/** A call that its client gave up says nothing about the endpoint. */
function resultOf(code: status): boolean | undefined {
  return code === status.CANCELLED ? undefined : !isFailedCall(code)
}

function loadIn(trailers: Metadata): LoadReport | undefined {
  const bytes = trailers.get(LOAD_REPORT_FIELD).at(-1)
  return Buffer.isBuffer(bytes) ? readLoadReport(bytes) : undefined
}
