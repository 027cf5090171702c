import type { FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Verdict } from './eligibility.js'
import type { PolicyName } from './policies/index.js'
import type { PickRequest } from './policy.js'
import type { PolicyChoice } from './service-config.js'
import type { Outcome, Upstream } from './upstream.js'

/** Holds the current picker and the upstreams behind it; the only place that counts requests. */
export interface Balancer {
  /**
   * Takes over a snapshot in one assignment. An equal set rebuilds nothing. A service config that cannot be used is
   * logged and shown in `status()`; the policy in use goes on. Never throws.
   */
  update(snapshot: Snapshot): void
  /** Goes by `policy` whatever the service's config says; undefined: by the config again. What is in flight still counts. */
  setPolicy(policy: PolicyChoice | undefined): void
  /** Chooses and counts the request as in flight. Throws NO_ENDPOINTS. At most one allocation. */
  pick(request: PickRequest): PickResult
  /** What the balancer goes by at this moment. */
  status(): BalancerStatus
}

export interface PickResult {
  readonly upstream: Upstream
  /** Tells how the request ended. Must be called exactly once in effect; further calls do nothing. */
  done(outcome: Outcome): void
}

export interface BalancerStatus {
  readonly policy: PolicyName
  /** Why the service config of the last snapshot is not in use. */
  readonly configError: FairleadError | undefined
  /** Every endpoint of the last snapshot, in its order. */
  readonly upstreams: readonly UpstreamStatus[]
}

export interface UpstreamStatus {
  readonly upstream: Upstream
  readonly verdict: Verdict
}
