import type { Endpoint } from '../model/endpoint.js'
import { LatencyEstimate } from './load.js'

/**
 * An endpoint plus its live counters. Survives snapshots for as long as its address stays in them; a changed weight or
 * state replaces `endpoint` and keeps everything else. Only the balancer calls the methods.
 */
export class Upstream {
  readonly latency = new LatencyEstimate()
  #endpoint: Endpoint
  #inFlight = 0
  #picks = 0

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint
  }

  get endpoint(): Endpoint {
    return this.#endpoint
  }

  /** Requests picked and not done yet. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Requests picked since this upstream was first seen. */
  get picks(): number {
    return this.#picks
  }

  /**
   * Takes over what a newer snapshot says about the same address. Another id is another instance: what was learnt about
   * the old one's latency is dropped, while requests in flight still count until they are done.
   */
  replace(endpoint: Endpoint): void {
    if (endpoint.id !== this.#endpoint.id) this.latency.reset()
    this.#endpoint = endpoint
  }

  /** Counts a request that was sent here. */
  begin(): void {
    this.#inFlight++
    this.#picks++
  }

  /** Counts a request that ended at `now` (monotonic milliseconds). */
  end(outcome: Outcome, now: number): void {
    this.#inFlight--
    this.latency.observe(outcome.ok, outcome.latencyMs, now)
  }
}

/** How a request ended. `latencyMs` is the time to the first answer (L7) or to the connection (L4). */
export interface Outcome {
  readonly ok: boolean
  readonly latencyMs?: number
}
