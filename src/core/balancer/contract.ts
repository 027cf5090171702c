import type { FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Verdict } from './eligibility.js'
import type { HealthRules, HealthWatcher } from './health.js'
import type { LoadReport } from './orca/load-report.js'
import type { PolicyName } from './policies/index.js'
import type { PickRequest } from './policy.js'
import type { PolicyChoice } from './service-config.js'
import type { Fault, Outcome, Upstream } from './upstream.js'

/** Holds the current picker and the upstreams behind it; the only place that counts requests. */
export interface Balancer {
  /**
   * Takes over a snapshot in one assignment. An equal set rebuilds nothing. A service config that cannot be used is
   * logged and shown in `status()`; the policy in use goes on. Never throws.
   */
  update(snapshot: Snapshot): void
  /**
   * Goes by `policy` whatever the service's config says, and by its outlier detection if it has one; undefined: by the config again.
   * What is in flight still counts.
   */
  setPolicy(policy: PolicyChoice | undefined): void
  /** Chooses and counts the request as in flight. Throws NO_ENDPOINTS. At most one allocation. */
  pick(request: PickRequest): PickResult
  /** As `pick`, but undefined instead of an error: in a bad hour every request fails, and an error costs more than a pick. */
  tryPick(request: PickRequest): PickResult | undefined
  /** What `pick` throws as things are. The same error until they change. */
  failure(): FairleadError
  /** What the balancer goes by at this moment. */
  status(): BalancerStatus
  /** How many endpoints picks go to at this moment. */
  readonly candidates: number
  /** The request header that the policy hashes by, if its config names one (gRFC A76). May change with every snapshot. */
  readonly hashHeader: string | undefined
  /** Whether endpoints' load reports (`Outcome.load`) have an effect. May change with every snapshot. */
  readonly wantsLoadReports: boolean
  /** How often endpoints are to be asked for load reports outside of responses, milliseconds. May change with every snapshot. */
  readonly oobReportingMs: number | undefined
  /**
   * Takes in what an endpoint says about its load outside of responses, while `wantsLoadReports`. What is told of an endpoint that
   * has left has no effect.
   */
  report(upstream: Upstream, load: LoadReport): void
  /**
   * Has somebody watch over the health of the endpoints, from the next snapshot on. To be called once, before the first
   * `update`. Without a watcher every endpoint counts as healthy.
   */
  supervise(watcher: HealthWatcher, rules: HealthRules): void
  /**
   * Takes in what the watcher found out about an endpoint. Who may take traffic is worked out anew a little later, once for
   * many such calls. What is told of an endpoint that has left is ignored.
   */
  setFault(upstream: Upstream, fault: Fault, present: boolean): void
  /**
   * Takes in whether there are connections to endpoints, where the balancer goes by that (`BalancerOptions.byConnection`). Who may
   * take traffic is worked out at once, or, after many such calls, a little later for all of them. What is told of an endpoint that
   * has left has no effect.
   */
  setConnected(changes: Iterable<readonly [Upstream, boolean]>): void
}

export interface PickResult {
  readonly upstream: Upstream
  /**
   * Tells that the endpoint answered well although the request goes on, possibly for long: a connection is there, a stream
   * has begun. A good end (`done`) then says nothing new. At most once, before `done`.
   */
  answered(latencyMs: number): void
  /** Tells how the request ended. Must be called exactly once in effect; further calls do nothing. */
  done(outcome: Outcome): void
}

export interface BalancerStatus {
  readonly policy: PolicyName
  /** Why the service config of the last snapshot is not in use. */
  readonly configError: FairleadError | undefined
  /** Whether endpoints that are not healthy are used because too few are. */
  readonly panic: boolean
  /** Every endpoint of the last snapshot, in its order. */
  readonly upstreams: readonly UpstreamStatus[]
}

export interface UpstreamStatus {
  readonly upstream: Upstream
  readonly verdict: Verdict
}
