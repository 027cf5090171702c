import type { Endpoint } from '../model/endpoint.js'

/**
 * An endpoint plus its live counters. Survives snapshots for as long as its address stays in them; a changed weight or
 * state replaces `endpoint` and keeps everything else.
 */
export interface Upstream {
  readonly endpoint: Endpoint
  /** Requests picked and not done yet. */
  readonly inFlight: number
}

/** How a request ended. `latencyMs` is the time to the first answer (L7) or to the connection (L4). */
export interface Outcome {
  readonly ok: boolean
  readonly latencyMs?: number
}
