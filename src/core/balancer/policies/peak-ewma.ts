import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { weightsOf } from './candidates.js'
import { Sampler } from './sampler.js'

/**
 * The cheaper of two samples, where the cost is the peak-sensitive latency average times the requests in flight, this
 * one included (Finagle's PeakEwma). Endpoints are sampled by weight, and a heavier one's queue counts for less.
 */
export const peakEwma: Policy<undefined> = {
  name: 'peak_ewma',
  share: 'weight',
  parseConfig: () => undefined,
  build: (candidates, _config, runtime) => new PeakEwmaPicker(candidates, runtime.random),
}

class PeakEwmaPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  /** Relative to their mean. */
  readonly #weights: Float64Array
  readonly #sampler: Sampler

  constructor(candidates: readonly Upstream[], random: Random) {
    const weights = weightsOf(candidates)
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
    this.#candidates = candidates
    this.#weights = weights.map((weight) => weight / mean)
    this.#sampler = new Sampler(candidates, random, weights)
  }

  pick(request: PickRequest): Upstream | undefined {
    const first = this.#sampler.next(request)
    if (first < 0) return undefined
    const second = this.#sampler.next(request)
    return this.#candidates[this.#isCheaper(second, first) ? second : first]
  }

  #isCheaper(a: number, b: number): boolean {
    const [x, y] = [this.#candidates[a]!, this.#candidates[b]!]
    const queueX = x.inFlight / this.#weights[a]! + 1
    const queueY = y.inFlight / this.#weights[b]! + 1
    if (x.latency.seen && y.latency.seen) return x.latency.ratioTo(y.latency) * queueX < queueY
    if (x.latency.seen === y.latency.seen) return queueX < queueY
    // One that has never answered is tried when it is idle and left alone until that answer is there.
    return x.latency.seen ? y.inFlight > 0 : x.inFlight === 0
  }
}
