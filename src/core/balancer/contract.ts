import type { Snapshot } from '../model/snapshot.js'
import type { PickRequest } from './policy.js'
import type { Outcome, Upstream } from './upstream.js'

/** Holds the current picker and the upstreams behind it; the only place that counts requests. */
export interface Balancer {
  /** Takes over a snapshot in one assignment. An equal set rebuilds nothing. */
  update(snapshot: Snapshot): void
  /** Chooses and counts the request as in flight. Throws NO_ENDPOINTS. At most one allocation. */
  pick(request: PickRequest): PickResult
}

export interface PickResult {
  readonly upstream: Upstream
  /** Tells how the request ended. Must be called exactly once in effect; further calls do nothing. */
  done(outcome: Outcome): void
}
