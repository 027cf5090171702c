import type { Endpoint } from '../model/endpoint.js'
import { isLatencySeen, latencyAt, observeLatency, resetLatency } from './latency.js'
import type { LoadTable } from './load-table.js'
import type { LoadReport } from './orca/load-report.js'

/**
 * An endpoint plus its live counters. Survives snapshots for as long as its address stays in them; a changed weight or
 * state replaces `endpoint` and keeps everything else. Only the balancer calls the methods that change anything.
 */
export class Upstream {
  #endpoint: Endpoint
  #loads: LoadTable
  #slot: number
  #picks = 0
  /** Whether new requests may go here. Set by the balancer. */
  usable = false

  /** @param loads where the figures are kept: the same table for all candidates of a picker. */
  constructor(endpoint: Endpoint, loads: LoadTable) {
    this.#endpoint = endpoint
    this.#loads = loads
    this.#slot = loads.add()
  }

  get endpoint(): Endpoint {
    return this.#endpoint
  }

  /** The table that holds this upstream's figures. */
  get loads(): LoadTable {
    return this.#loads
  }

  /** This upstream's slot in `loads`; stays the same for as long as it is a candidate. */
  get slot(): number {
    return this.#slot
  }

  /** Requests picked and not done yet. */
  get inFlight(): number {
    return this.#loads.inFlight[this.#slot]!
  }

  /** Requests picked since this upstream was first seen. */
  get picks(): number {
    return this.#picks
  }

  /** Whether any answer has told how fast this upstream is. */
  get isLatencySeen(): boolean {
    return isLatencySeen(this.#loads, this.#slot)
  }

  /** The peak-sensitive latency average at `now` (monotonic milliseconds), in milliseconds. */
  latencyAt(now: number): number {
    return latencyAt(this.#loads, this.#slot, now)
  }

  /**
   * Takes over what a newer snapshot says about the same address. Another id is another instance: what was learnt about
   * the old one's latency is dropped, while requests in flight still count until they are done.
   */
  replace(endpoint: Endpoint): void {
    if (endpoint.id !== this.#endpoint.id) resetLatency(this.#loads, this.#slot)
    this.#endpoint = endpoint
  }

  /** Counts a request that was sent here. */
  begin(): void {
    this.#loads.inFlight[this.#slot]!++
    this.#picks++
  }

  /** Counts a request that ended at `now` (monotonic milliseconds). */
  end(outcome: Outcome, now: number): void {
    this.#loads.inFlight[this.#slot]!--
    observeLatency(this.#loads, this.#slot, outcome.ok, outcome.latencyMs, now)
  }

  /** Takes its figures along into another table. */
  moveTo(loads: LoadTable): void {
    const slot = loads.add()
    loads.inFlight[slot] = this.inFlight
    loads.latency.set(this.#loads.latency.subarray(2 * this.#slot, 2 * this.#slot + 2), 2 * slot)
    this.#loads.remove(this.#slot)
    this.#loads = loads
    this.#slot = slot
  }
}

/** How a request ended. */
export interface Outcome {
  /** Undefined: it says nothing about the endpoint (the client went away, this machine failed). */
  readonly ok: boolean | undefined
  /** The time to the first answer (L7) or to the connection (L4), in milliseconds. */
  readonly latencyMs?: number
  /** What the endpoint said about its load, where the balancer wants to know (`Balancer.wantsLoadReports`). */
  readonly load?: LoadReport
}
