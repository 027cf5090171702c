import type { Balancer } from '../../balancer/contract.js'
import { DEFAULT_PANIC_PERCENT, type HealthWatcher } from '../../balancer/health.js'
import { DEFAULT_OUTLIER_DETECTION, type OutlierDetection } from '../../balancer/outlier-detection.js'
import type { OutcomeObserver, Upstream } from '../../balancer/upstream.js'
import { OutlierDetector } from '../../health/outlier/detector.js'
import { StallGuard } from '../../health/stall-guard.js'
import type { Runtime } from '../../runtime.js'

/**
 * Takes endpoints of a balancer out for a while whose calls fail, where and as the policy's config says (gRFC A50). Without such a
 * config it does nothing and has no timer.
 */
export class Ejector implements HealthWatcher {
  readonly #balancer: Balancer
  readonly #stall: StallGuard
  readonly #detector: OutlierDetector
  readonly #watched = new Set<Upstream>()
  #active = false

  /** Takes its place at the balancer, which must not have had a snapshot yet. */
  constructor(balancer: Balancer, runtime: Runtime) {
    this.#balancer = balancer
    this.#stall = new StallGuard(runtime.clock)
    this.#detector = new OutlierDetector(
      DEFAULT_OUTLIER_DETECTION,
      runtime,
      this.#stall,
      (upstream, ejected, reason) => {
        balancer.setFault(upstream, 'ejected', ejected)
        const { address } = upstream.endpoint
        if (ejected) runtime.log.warn('an endpoint is taken out for a while', { address, reason })
        else runtime.log.info('an endpoint is back', { address })
      },
    )
    balancer.supervise(this, { panicPercent: DEFAULT_PANIC_PERCENT })
  }

  joined(upstream: Upstream): OutcomeObserver | undefined {
    this.#watched.add(upstream)
    return this.#active ? this.#detector.add(upstream) : undefined
  }

  left(upstream: Upstream): void {
    this.#watched.delete(upstream)
    this.#detector.remove(upstream)
  }

  configure(rules: OutlierDetection | undefined): void {
    if (rules) this.#detector.configure(rules)
    const active = rules !== undefined
    if (active === this.#active) return
    this.#active = active
    if (active) this.#stall.start()
    else this.#stall.close()
    for (const upstream of this.#watched) {
      if (active) upstream.observer = this.#detector.add(upstream)
      else this.#release(upstream)
    }
  }

  panicChanged(): void {}

  /** Stops. Who is out stays out. */
  close(): void {
    this.#detector.close()
    this.#stall.close()
  }

  #release(upstream: Upstream): void {
    this.#detector.remove(upstream)
    upstream.observer = undefined
    this.#balancer.setFault(upstream, 'ejected', false)
  }
}
