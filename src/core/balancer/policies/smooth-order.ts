import type { PickRequest } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { isExcluded, weightsOf } from './candidates.js'

/**
 * nginx's smooth weighted order: at each step every endpoint earns its weight, the one with the most credit is chosen
 * (the first of equals) and pays the total. Weights 5, 1, 1 give a a b a c a a. Takes O(n) a step.
 */
export class SmoothOrder {
  readonly #candidates: readonly Upstream[]
  readonly #weights: Float64Array
  readonly #total: number
  /** What an endpoint has paid; its credit before a step is `weight · step − paid`. Saves writing every credit each step. */
  readonly #paid: Float64Array
  #step = 1

  /** @param owed what endpoints were owed before, in picks, so that frequent updates favour nobody */
  constructor(candidates: readonly Upstream[], owed?: ReadonlyMap<Upstream, number>) {
    this.#candidates = candidates
    this.#weights = weightsOf(candidates)
    this.#total = this.#weights.reduce((sum, weight) => sum + weight, 0)
    this.#paid = Float64Array.from(candidates, (upstream) => -Math.round((owed?.get(upstream) ?? 0) * this.#total))
  }

  next(request: PickRequest): Upstream | undefined {
    const weights = this.#weights
    const paid = this.#paid
    const step = this.#step
    const restricted = request.exclude !== undefined
    let best = -1
    let most = -Infinity
    for (let i = 0; i < weights.length; i++) {
      const credit = weights[i]! * step - paid[i]!
      if (credit > most && !(restricted && isExcluded(this.#candidates[i]!, request))) {
        most = credit
        best = i
      }
    }
    if (best < 0) return undefined
    paid[best]! += this.#total
    if (step === this.#total) this.#startOver()
    else this.#step = step + 1
    return this.#candidates[best]
  }

  /** After a whole cycle the numbers are brought down again, so that they stay exact for ever. */
  #startOver(): void {
    for (let i = 0; i < this.#paid.length; i++) this.#paid[i]! -= this.#weights[i]! * this.#total
    this.#step = 1
  }

  /** What each endpoint is owed by now, in picks. */
  owed(): ReadonlyMap<Upstream, number> {
    const credit = (i: number) => this.#weights[i]! * (this.#step - 1) - this.#paid[i]!
    return new Map(this.#candidates.map((upstream, i) => [upstream, credit(i) / this.#total]))
  }
}
