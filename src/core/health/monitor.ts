import { isDeepStrictEqual } from 'node:util'
import type { Balancer } from '../balancer/contract.js'
import { DEFAULT_PANIC_PERCENT, type HealthWatcher } from '../balancer/health.js'
import { DEFAULT_OUTLIER_DETECTION, type OutlierDetection } from '../balancer/outlier-detection.js'
import { DEFAULT_SLOW_START } from '../balancer/slow-start.js'
import type { Fault, OutcomeObserver, Upstream } from '../balancer/upstream.js'
import { checkEndpoint, type CheckRoom, type CheckRules } from './active/endpoint-check.js'
import { OutlierDetector } from './outlier/detector.js'

export interface HealthOptions {
  /** How every endpoint is checked again and again. Absent: not at all. */
  readonly checks?: CheckRules
  /** Whether endpoints whose requests fail are taken out, as the service's config says or by default. */
  readonly outlierDetection: boolean
}

/** What became of an endpoint, or of the service as a whole. */
export type HealthChange =
  | { readonly kind: 'endpoint'; readonly address: string; readonly health: Fault | 'healthy'; readonly reason: string }
  | { readonly kind: 'panic'; readonly panic: boolean }

/** Watches over the endpoints of one balancer, by checks of its own and by how their requests go. */
export class HealthMonitor implements HealthWatcher {
  readonly #balancer: Balancer
  readonly #room: CheckRoom
  readonly #onChange: (change: HealthChange) => void
  readonly #detector: OutlierDetector
  /** Who is watched, and what ends their checks. */
  readonly #watched = new Map<Upstream, AbortController>()
  #options: HealthOptions

  /** Takes its place at the balancer, which must not have had a snapshot yet. */
  constructor(options: HealthOptions, balancer: Balancer, room: CheckRoom, onChange: (change: HealthChange) => void) {
    this.#options = options
    this.#balancer = balancer
    this.#room = room
    this.#onChange = onChange
    this.#detector = new OutlierDetector(
      DEFAULT_OUTLIER_DETECTION,
      room.runtime,
      room.stall,
      (upstream, ejected, reason) => this.#set(upstream, 'ejected', ejected, reason),
    )
    balancer.supervise(this, { panicPercent: DEFAULT_PANIC_PERCENT, slowStart: DEFAULT_SLOW_START })
  }

  /** Goes by other options. What was found out by means that are no longer in use is forgotten. */
  reconfigure(options: HealthOptions): void {
    const before = this.#options
    this.#options = options
    const otherChecks = !isDeepStrictEqual(options.checks, before.checks)
    for (const [upstream, checks] of this.#watched) {
      if (otherChecks) {
        checks.abort()
        this.#watched.set(upstream, new AbortController())
        if (!options.checks) this.#set(upstream, 'unhealthy', false, '')
        this.#check(upstream)
      }
      if (options.outlierDetection !== before.outlierDetection) {
        if (options.outlierDetection) upstream.observer = this.#detector.add(upstream)
        else this.#release(upstream)
      }
    }
  }

  joined(upstream: Upstream): OutcomeObserver | undefined {
    this.#watched.set(upstream, new AbortController())
    this.#check(upstream)
    return this.#options.outlierDetection ? this.#detector.add(upstream) : undefined
  }

  left(upstream: Upstream): void {
    this.#watched.get(upstream)?.abort()
    this.#watched.delete(upstream)
    this.#detector.remove(upstream)
  }

  configure(outlierDetection: OutlierDetection | undefined): void {
    this.#detector.configure(outlierDetection ?? DEFAULT_OUTLIER_DETECTION)
  }

  panicChanged(panic: boolean): void {
    this.#onChange({ kind: 'panic', panic })
  }

  /** Ends every check. Idempotent. */
  close(): void {
    for (const checks of this.#watched.values()) checks.abort()
    this.#detector.close()
  }

  #check(upstream: Upstream): void {
    const { checks } = this.#options
    const { signal } = this.#watched.get(upstream)!
    if (!checks) return
    void checkEndpoint(upstream.endpoint, checks, this.#room, signal, (healthy, reason) => {
      this.#set(upstream, 'unhealthy', !healthy, reason)
    })
  }

  #release(upstream: Upstream): void {
    this.#detector.remove(upstream)
    upstream.observer = undefined
    this.#set(upstream, 'ejected', false, '')
  }

  #set(upstream: Upstream, fault: Fault, present: boolean, reason: string): void {
    const before = upstream.fault
    this.#balancer.setFault(upstream, fault, present)
    const health = upstream.fault ?? 'healthy'
    if (health === (before ?? 'healthy')) return
    this.#onChange({ kind: 'endpoint', address: upstream.endpoint.address, health, reason })
  }
}
