import type { OutlierDetection } from './outlier-detection.js'
import type { SlowStartRules } from './slow-start.js'
import type { OutcomeObserver, Upstream } from './upstream.js'

/**
 * Who finds out how the endpoints of a balancer are. The balancer tells it who they are and does not know how it finds
 * out; what it finds, it tells the balancer through `Balancer.setFault`. Its methods must not throw.
 */
export interface HealthWatcher {
  /**
   * An endpoint appeared, or another instance took over its address: nothing is known about it. What this returns hears
   * of every request to it until `left`.
   */
  joined(upstream: Upstream): OutcomeObserver | undefined
  /** The endpoint went into maintenance or left. Its faults are forgotten. */
  left(upstream: Upstream): void
  /**
   * What the service's config says about outlier detection; undefined for nothing. Told before the first endpoint joins and
   * when it may have changed.
   */
  configure(outlierDetection: OutlierDetection | undefined): void
  /** So few endpoints are healthy that all are used, or no longer so. */
  panicChanged(panic: boolean): void
}

/** What a balancer makes of what its health watcher finds out. */
export interface HealthRules {
  /** When less than this share of the endpoints that may take traffic is healthy, all are used. Percent; 0: never. */
  readonly panicPercent: number
  /** How an endpoint comes back into use. Absent: at once. */
  readonly slowStart?: SlowStartRules
}

/** Envoy's panic threshold. */
export const DEFAULT_PANIC_PERCENT = 50
