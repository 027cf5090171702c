import type { Clock } from '../runtime.js'
import { DEFAULT_PANIC_PERCENT, type HealthRules, type HealthWatcher } from './health.js'
import type { OutlierDetection } from './outlier-detection.js'
import { Ramp } from './slow-start.js'
import type { Fault, Upstream } from './upstream.js'

/** Which upstreams of a balancer are watched over, and what was found out about them. */
export class Supervision {
  readonly #clock: Clock
  readonly #watched = new Set<Upstream>()
  #watcher: HealthWatcher | undefined
  #rules: HealthRules = { panicPercent: DEFAULT_PANIC_PERCENT }
  #panic = false
  #begun = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get panicPercent(): number {
    return this.#rules.panicPercent
  }

  /** Sets who watches, once, before any endpoint is known to it. */
  begin(watcher: HealthWatcher, rules: HealthRules): void {
    this.#watcher = watcher
    this.#rules = rules
  }

  /** Tells the watcher of who came and who went, after a snapshot. */
  follow(upstreams: Iterable<Upstream>, outlierDetection: OutlierDetection | undefined): void {
    const watcher = this.#watcher
    if (!watcher) return
    watcher.configure(outlierDetection)
    const current = new Set<Upstream>()
    for (const upstream of upstreams) if (isWatchable(upstream)) current.add(upstream)
    for (const upstream of this.#watched) if (!current.has(upstream)) this.dismiss(upstream)
    for (const upstream of current) if (!this.#watched.has(upstream)) this.#enrol(watcher, upstream)
    this.#begun = true
  }

  /** Forgets about an upstream: it left, or is another instance now. */
  dismiss(upstream: Upstream): void {
    if (!this.#watched.delete(upstream)) return
    upstream.forgetHealth()
    this.#watcher!.left(upstream)
  }

  /** Takes in what was found out. Returns whether anything is different now. */
  setFault(upstream: Upstream, fault: Fault, present: boolean): boolean {
    if (!this.#watched.has(upstream)) return false
    const before = upstream.fault
    if (fault === 'unhealthy') upstream.isUnhealthy = present
    else upstream.isEjected = present
    if (upstream.fault === before) return false
    if (upstream.fault === undefined && !upstream.usable) this.#ramp(upstream)
    return true
  }

  panicIs(panic: boolean): void {
    if (panic === this.#panic) return
    this.#panic = panic
    this.#watcher?.panicChanged(panic)
  }

  #enrol(watcher: HealthWatcher, upstream: Upstream): void {
    this.#watched.add(upstream)
    if (this.#begun && this.#rules.slowStart?.newEndpoints) this.#ramp(upstream)
    upstream.observer = watcher.joined(upstream)
  }

  #ramp(upstream: Upstream): void {
    const { slowStart } = this.#rules
    if (slowStart && slowStart.windowMs > 0) upstream.ramp = new Ramp(slowStart, this.#clock.now())
  }
}

function isWatchable({ endpoint: { role, state } }: Upstream): boolean {
  return role === 'server' && state !== 'maint'
}
