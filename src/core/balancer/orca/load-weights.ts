import type { Clock } from '../../runtime.js'
import type { Upstream } from '../upstream.js'
import type { LoadReport } from './load-report.js'
import { type LoadWeightRules, ReportedWeight, scaleWeights } from './weights.js'

/**
 * Turns load reports into the weights of upstreams, all at once and at most every `updateMs`. Its timer runs only while
 * reports come in or count.
 */
export class LoadWeights {
  readonly #rules: LoadWeightRules
  readonly #clock: Clock
  readonly #due: () => void
  #cancel: (() => void) | undefined

  /** @param due called when it is time to `assign` */
  constructor(rules: LoadWeightRules, clock: Clock, due: () => void) {
    this.#rules = rules
    this.#clock = clock
    this.#due = due
  }

  report(upstream: Upstream, load: LoadReport): void {
    upstream.reported ??= new ReportedWeight()
    upstream.reported.report(load, this.#rules, this.#clock.now())
    if (!this.#cancel) this.#arm()
  }

  /** Gives every upstream the weight that its reports amount to by now. */
  assign(upstreams: readonly Upstream[]): void {
    const now = this.#clock.now()
    const weights = scaleWeights(upstreams.map(({ reported }) => reported?.at(this.#rules, now) ?? 0))
    upstreams.forEach((upstream, i) => (upstream.loadWeight = weights?.[i] ?? 0))
    const counts = ({ reported }: Upstream) => reported !== undefined && !reported.isExpired(this.#rules, now)
    if (!this.#cancel && upstreams.some(counts)) this.#arm()
  }

  /** Gives the upstreams their own weights back. */
  end(upstreams: Iterable<Upstream>): void {
    this.#cancel?.()
    for (const upstream of upstreams) {
      upstream.reported = undefined
      upstream.loadWeight = 0
    }
  }

  #arm(): void {
    const fire = () => {
      this.#cancel = undefined
      this.#due()
    }
    this.#cancel = this.#clock.after(this.#rules.updateMs, fire, { keepAlive: false })
  }
}
