import type { Random } from '../../runtime.js'
import { isLatencySeen, latencyRatio } from '../latency.js'
import type { LoadTable } from '../load-table.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { nextAllowed, slotsOf, weightsOf } from './candidates.js'
import { Sampler } from './sampler.js'

/** How often the second sample is drawn again when it is the first one. */
const REDRAWS = 4

/**
 * The cheaper of two samples, where the cost is the peak-sensitive latency average times the requests in flight, this
 * one included (Finagle's PeakEwma). Endpoints are sampled by weight, and a heavier one's queue counts for less.
 */
export const peakEwma: Policy<undefined> = {
  name: 'peak_ewma',
  share: 'weight',
  byLatency: true,
  parseConfig: () => undefined,
  build: (candidates, _config, runtime) => new PeakEwmaPicker(candidates, runtime.random),
}

class PeakEwmaPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #loads: LoadTable
  readonly #slots: Int32Array
  /** Relative to their mean. */
  readonly #weights: Float64Array
  readonly #sampler: Sampler

  constructor(candidates: readonly Upstream[], random: Random) {
    const weights = weightsOf(candidates)
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
    this.#candidates = candidates
    this.#loads = candidates[0]!.loads
    this.#slots = slotsOf(candidates)
    this.#weights = weights.map((weight) => weight / mean)
    this.#sampler = new Sampler(candidates, random, weights)
  }

  pick(request: PickRequest): Upstream | undefined {
    const first = this.#sampler.next(request)
    if (first < 0) return undefined
    const second = this.#other(first, request)
    return this.#candidates[this.#isCheaper(second, first) ? second : first]
  }

  /** A second sample, another one where there is another: a slow endpoint drawn twice would be taken for want of a choice. */
  #other(first: number, request: PickRequest): number {
    let second = this.#sampler.next(request)
    for (let i = 0; second === first && i < REDRAWS; i++) second = this.#sampler.next(request)
    return second === first ? nextAllowed(this.#candidates, (first + 1) % this.#candidates.length, request) : second
  }

  #isCheaper(a: number, b: number): boolean {
    const loads = this.#loads
    const x = this.#slots[a]!
    const y = this.#slots[b]!
    const queueX = loads.inFlight[x]! / this.#weights[a]! + 1
    const queueY = loads.inFlight[y]! / this.#weights[b]! + 1
    const seenX = isLatencySeen(loads, x)
    const seenY = isLatencySeen(loads, y)
    if (seenX && seenY) return latencyRatio(loads, x, y) * queueX < queueY
    if (seenX === seenY) return queueX < queueY
    // One that has never answered is tried when it is idle and left alone until that answer is there.
    return seenX ? loads.inFlight[y] !== 0 : loads.inFlight[x] === 0
  }
}
