import type { OutlierDetection } from '../../balancer/outlier-detection.js'
import type { Upstream } from '../../balancer/upstream.js'
import type { Runtime } from '../../runtime.js'
import type { StallGuard } from '../stall-guard.js'
import { failurePercentage, isJudged, judgesFailures, rateOf, requiredSuccessRate } from './outliers.js'
import { Tally, type TallyOwner } from './tally.js'

/** Hears of endpoints that are taken out because their requests fail, with the reason, and that come back. */
export type EjectionObserver = (upstream: Upstream, ejected: boolean, reason: string) => void

/**
 * Takes endpoints out for a while whose requests fail more than others' (gRFC A50; consecutive failures as in Envoy). At most
 * `maxEjectionPercent` are out at once, though one may be wherever that is above 0, and the only endpoint of a service never is.
 */
export class OutlierDetector implements TallyOwner {
  readonly #runtime: Runtime
  readonly #stall: StallGuard
  readonly #observer: EjectionObserver
  readonly #tallies = new Map<Upstream, Tally>()
  #rules: OutlierDetection
  #ejected = 0
  #cancel: (() => void) | undefined

  constructor(rules: OutlierDetection, runtime: Runtime, stall: StallGuard, observer: EjectionObserver) {
    this.#rules = rules
    this.#runtime = runtime
    this.#stall = stall
    this.#observer = observer
  }

  get counts(): boolean {
    return !this.#stall.inDoubt
  }

  get consecutiveFailures(): number {
    return this.#rules.consecutiveFailures || Infinity
  }

  /** Goes by other rules from now on; who is out stays out for the time that they give. */
  configure(rules: OutlierDetection): void {
    if (rules === this.#rules) return
    const { intervalMs } = this.#rules
    this.#rules = rules
    if (rules.intervalMs === intervalMs || !this.#cancel) return
    this.#cancel()
    this.#arm()
  }

  add(upstream: Upstream): Tally {
    const tally = new Tally(upstream, this)
    this.#tallies.set(upstream, tally)
    if (!this.#cancel) this.#arm()
    return tally
  }

  remove(upstream: Upstream): void {
    const tally = this.#tallies.get(upstream)
    if (!tally) return
    this.#tallies.delete(upstream)
    if (tally.ejectedAt !== undefined) this.#ejected--
    if (this.#tallies.size === 0) this.close()
  }

  failedInARow(tally: Tally): void {
    this.#eject(tally, 100, `${this.#rules.consecutiveFailures} failures in a row`)
  }

  /** Stops. Who is out stays out. */
  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(): void {
    const sweep = () => {
      this.#arm()
      this.#sweep()
    }
    this.#cancel = this.#runtime.clock.after(this.#rules.intervalMs, sweep, { keepAlive: false })
  }

  /** What happens every interval, in gRFC A50's order. */
  #sweep(): void {
    const tallies = [...this.#tallies.values()]
    for (const tally of tallies) tally.turn()
    if (this.counts) {
      this.#bySuccessRate(tallies)
      this.#byFailurePercentage(tallies)
    }
    this.#readmit(tallies)
  }

  #bySuccessRate(tallies: readonly Tally[]): void {
    const { successRate } = this.#rules
    const required = successRate && requiredSuccessRate(tallies, successRate)
    if (required === undefined) return
    for (const tally of tallies) {
      if (!isJudged(tally, successRate!) || rateOf(tally) >= required) continue
      const reason = `${percent(rateOf(tally))} of its requests succeeded, less than the ${percent(required)} that others let expect`
      this.#eject(tally, successRate!.enforcementPercentage, reason)
    }
  }

  #byFailurePercentage(tallies: readonly Tally[]): void {
    const { failurePercentage: rules } = this.#rules
    if (!rules || !judgesFailures(tallies, rules)) return
    for (const tally of tallies) {
      if (!isJudged(tally, rules) || failurePercentage(tally) <= rules.threshold) continue
      this.#eject(
        tally,
        rules.enforcementPercentage,
        `${percent(failurePercentage(tally) / 100)} of its requests failed`,
      )
    }
  }

  #readmit(tallies: readonly Tally[]): void {
    const { baseEjectionMs, maxEjectionMs } = this.#rules
    const now = this.#runtime.clock.now()
    for (const tally of tallies) {
      if (tally.ejectedAt === undefined) {
        tally.ejections = Math.max(0, tally.ejections - 1)
      } else if (now - tally.ejectedAt >= Math.min(baseEjectionMs * tally.ejections, maxEjectionMs)) {
        tally.ejectedAt = undefined
        this.#ejected--
        this.#observer(tally.upstream, false, '')
      }
    }
  }

  /** Takes an endpoint out, unless enough are, or chance is against it. */
  #eject(tally: Tally, enforcementPercentage: number, reason: string): void {
    const total = this.#tallies.size
    if (tally.ejectedAt !== undefined || total < 2) return
    if (this.#ejected * 100 >= total * this.#rules.maxEjectionPercent) return
    if (this.#runtime.random.next() * 100 >= enforcementPercentage) return
    tally.ejectedAt = this.#runtime.clock.now()
    tally.ejections++
    this.#ejected++
    this.#observer(tally.upstream, true, reason)
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
