import type { Endpoint } from '../model/endpoint.js'
import { isLatencySeen, latencyAt, observeLatency, resetLatency } from './latency.js'
import type { LoadTable } from './load-table.js'
import type { LoadFactor } from './orca/load-factor.js'
import type { LoadReport } from './orca/load-report.js'
import type { ReportedWeight } from './orca/weights.js'
import type { Ramp } from './slow-start.js'

/**
 * An endpoint plus its live counters. Survives snapshots for as long as its address stays in them; a changed weight or
 * state replaces `endpoint` and keeps everything else. Only the balancer changes anything.
 */
export class Upstream {
  #endpoint: Endpoint
  #loads: LoadTable
  #slot: number
  #picks = 0
  /** Whether new requests may go here. */
  usable = false
  /** Whether it can be sent requests at once. Always, unless the balancer goes by connections. */
  isConnected = true
  /** Whether it fails its checks, and whether it was taken out because its requests fail. */
  isUnhealthy = false
  isEjected = false
  /** Its way into use, while that lasts. */
  ramp: Ramp | undefined
  /** Who hears of every request. */
  observer: OutcomeObserver | undefined
  /** What its load reports amount to, where they are wanted and there are any. */
  reported: ReportedWeight | undefined
  /** What the load figures of its record amount to, where they are wanted and there are any. */
  loadFactor: LoadFactor | undefined
  /** The weight by load; 0 where the registry's holds. */
  loadWeight = 0

  /** @param loads where the figures are kept: the same table for all candidates of a picker. */
  constructor(endpoint: Endpoint, loads: LoadTable) {
    this.#endpoint = endpoint
    this.#loads = loads
    this.#slot = loads.add()
  }

  get endpoint(): Endpoint {
    return this.#endpoint
  }

  /** What is wrong with it, if anything. */
  get fault(): Fault | undefined {
    return this.isUnhealthy ? 'unhealthy' : this.isEjected ? 'ejected' : undefined
  }

  /** What policies weigh it by. Above 0 if the registry's weight is. */
  get weight(): number {
    return this.loadWeight || this.#endpoint.weight
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

  /** Takes over what a newer snapshot says about the same address. */
  replace(endpoint: Endpoint): void {
    this.#endpoint = endpoint
  }

  /**
   * Forgets what was learnt about the instance behind this address, since another one has taken its place. Requests in flight
   * still count until they are done.
   */
  forget(): void {
    resetLatency(this.#loads, this.#slot)
    this.forgetHealth()
    this.forgetLoad()
  }

  forgetLoad(): void {
    this.reported = undefined
    this.loadFactor = undefined
    this.loadWeight = 0
  }

  forgetHealth(): void {
    this.isUnhealthy = false
    this.isEjected = false
    this.ramp = undefined
    this.observer = undefined
  }

  /** Counts a request that was sent here. */
  begin(): void {
    this.#loads.inFlight[this.#slot]!++
    this.#picks++
  }

  /** Takes in that a request that goes on was answered at `now` (monotonic milliseconds). */
  answered(latencyMs: number, now: number): void {
    observeLatency(this.#loads, this.#slot, true, latencyMs, now)
    this.observer?.observe(true)
  }

  /** Counts a request that ended at `now` (monotonic milliseconds). */
  end(outcome: Outcome, now: number): void {
    this.#loads.inFlight[this.#slot]!--
    observeLatency(this.#loads, this.#slot, outcome.ok, outcome.latencyMs, now)
    if (outcome.ok !== undefined) this.observer?.observe(outcome.ok)
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
  /** When it ended, by the balancer's clock, for who has just read it. Default: now. */
  readonly endedAt?: number
  /** What the endpoint said about its load, where the balancer wants to know (`Balancer.wantsLoadReports`). */
  readonly load?: LoadReport
}

/** What can be wrong with an endpoint: it fails its checks, or was taken out for a while because its requests fail. */
export type Fault = 'unhealthy' | 'ejected'

/** Hears how requests to one endpoint go. */
export interface OutcomeObserver {
  /** A request to the endpoint answered or ended. Called often: at most a few counters' work. */
  observe(ok: boolean): void
}
