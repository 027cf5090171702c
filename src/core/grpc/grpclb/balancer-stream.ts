import { type experimental, status } from '@grpc/grpc-js'
import { millisecondsOf } from '../../protos/duration.js'
import { grpclbProto, type LoadBalanceResponse } from '../../protos/grpclb.js'
import type { Clock } from '../../runtime.js'
import { BalancerCall } from './balancer-call.js'
import type { CallStats } from './call-stats.js'
import { reportLoad } from './load-reports.js'
import { type ListEntry, readServerList } from './server-list.js'

/** Hears what a balancer says. */
export interface BalancerStreamEvents {
  list(entries: readonly ListEntry[]): void
  /** The balancer asks to do without it. */
  fallback(): void
  /** The stream is over. Called once, unless it was closed. */
  ended(ended: StreamEnd): void
}

export interface StreamEnd {
  /** Whether the balancer had answered the request. */
  readonly isAnswered: boolean
  readonly livedMs: number
  readonly reason: string
}

/**
 * One conversation with a balancer: the request, its answer, and then lists, for which load reports are given where the balancer wants
 * them.
 */
export class BalancerStream {
  readonly #events: BalancerStreamEvents
  readonly #stats: CallStats
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #call: BalancerCall
  #isAnswered = false
  #isOver = false
  #stopReports = () => {}

  constructor(
    subchannel: experimental.SubchannelInterface,
    { name, authority }: { readonly name: string; readonly authority: string },
    stats: CallStats,
    clock: Clock,
    events: BalancerStreamEvents,
  ) {
    this.#events = events
    this.#stats = stats
    this.#clock = clock
    this.#startedAt = clock.now()
    this.#call = new BalancerCall(subchannel, authority, {
      message: (bytes) => this.#read(bytes),
      ended: ({ code, details }) => this.#end(`${status[code]}: ${details}`),
    })
    this.#call.send(grpclbProto().request.serialize({ initial_request: { name } }))
  }

  /** Ends it; nothing is heard of it afterwards. Idempotent. */
  close(): void {
    this.#isOver = true
    this.#stopReports()
    this.#call.cancel()
  }

  #read(bytes: Buffer): void {
    let response: LoadBalanceResponse
    try {
      response = grpclbProto().response.deserialize(bytes)
    } catch (error) {
      return this.#fail(`the balancer sent what cannot be read: ${(error as Error).message}`)
    }
    if (this.#isAnswered) this.#take(response)
    else if (response.initial_response) this.#begin(response.initial_response)
    // "This message should be sent on the first response to the client." (load_balancer.proto)
    else this.#fail('the balancer did not begin with an initial_response')
  }

  #begin({ client_stats_report_interval: interval }: NonNullable<LoadBalanceResponse['initial_response']>): void {
    this.#isAnswered = true
    const intervalMs = millisecondsOf(interval)
    // "Stats should only be reported when the duration is positive." (load_balancer.proto)
    if (intervalMs <= 0) return
    this.#stopReports = reportLoad(this.#stats, intervalMs, this.#clock, (client_stats) =>
      this.#call.send(grpclbProto().request.serialize({ client_stats })),
    )
  }

  #take({ server_list: list, fallback_response: fallback }: LoadBalanceResponse): void {
    if (fallback) return this.#events.fallback()
    if (!list) return
    const entries = readServerList(list.servers)
    if (entries) this.#events.list(entries)
    else this.#fail(`the balancer sent a list of ${list.servers.length} entries`)
  }

  #fail(reason: string): void {
    this.#call.cancel()
    this.#end(reason)
  }

  #end(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopReports()
    this.#events.ended({ isAnswered: this.#isAnswered, livedMs: this.#clock.now() - this.#startedAt, reason })
  }
}
