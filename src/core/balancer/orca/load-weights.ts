import type { Clock } from '../../runtime.js'
import type { Upstream } from '../upstream.js'
import { balanceFigures, figureWeights } from './figure-weights.js'
import type { LoadReport } from './load-report.js'
import { type LoadWeightRules, ReportedWeight, scaleWeights } from './weights.js'

/** With fewer requests a second, where somebody else counts them, there is no traffic. */
const LEAST_TRAFFIC = 0.1

/**
 * How many requests a second go to the endpoints by picks made elsewhere, after the weights found here; undefined while nobody
 * has told.
 */
export type Traffic = () => number | undefined

/**
 * Turns what is known of load into the weights of upstreams, all at once and at most every `updateMs`: reports, where at least
 * two endpoints make some, else the figures in their records. Its timer runs only while either comes in or counts.
 */
export class LoadWeights {
  readonly rules: LoadWeightRules
  readonly #clock: Clock
  readonly #traffic: Traffic | undefined
  readonly #due: () => void
  #cancel: (() => void) | undefined
  #steppedAt = -Infinity
  #picks = 0

  /**
   * @param traffic undefined where picks are made by the upstreams' own balancer
   * @param due called when it is time to `assign`
   */
  constructor(rules: LoadWeightRules, clock: Clock, traffic: Traffic | undefined, due: () => void) {
    this.rules = rules
    this.#clock = clock
    this.#traffic = traffic
    this.#due = due
  }

  report(upstream: Upstream, load: LoadReport): void {
    upstream.reported ??= new ReportedWeight()
    upstream.reported.report(load, this.rules, this.#clock.now())
    if (!this.#cancel) this.#arm()
  }

  /** Gives every upstream the weight that its load amounts to by now. */
  assign(upstreams: readonly Upstream[]): void {
    const now = this.#clock.now()
    const reported = scaleWeights(upstreams.map((upstream) => upstream.reported?.at(this.rules, now) ?? 0))
    const weights = reported ?? this.#byFigures(upstreams, now)
    upstreams.forEach((upstream, i) => (upstream.loadWeight = weights?.[i] ?? 0))
    const counts = ({ reported, endpoint }: Upstream) =>
      endpoint.load !== undefined || (reported !== undefined && !reported.isExpired(this.rules, now))
    if (!this.#cancel && upstreams.some(counts)) this.#arm()
  }

  /** Gives the upstreams their own weights back. */
  end(upstreams: Iterable<Upstream>): void {
    this.#cancel?.()
    for (const upstream of upstreams) upstream.forgetLoad()
  }

  #byFigures(upstreams: readonly Upstream[], now: number): number[] | undefined {
    const { blackoutMs, updateMs } = this.rules
    if (now - this.#steppedAt >= updateMs) {
      this.#steppedAt = now
      balanceFigures(upstreams, blackoutMs, now, this.#hasTraffic(upstreams))
    }
    return figureWeights(upstreams)
  }

  /** Since this was last asked. */
  #hasTraffic(upstreams: readonly Upstream[]): boolean {
    if (this.#traffic) return (this.#traffic() ?? LEAST_TRAFFIC) >= LEAST_TRAFFIC
    const before = this.#picks
    this.#picks = upstreams.reduce((sum, { picks }) => sum + picks, 0)
    return this.#picks !== before
  }

  #arm(): void {
    const fire = () => {
      this.#cancel = undefined
      this.#due()
    }
    this.#cancel = this.#clock.after(this.rules.updateMs, fire, { keepAlive: false })
  }
}
