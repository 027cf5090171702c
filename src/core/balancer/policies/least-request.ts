import type { Runtime } from '../../runtime.js'
import type { LoadTable } from '../load-table.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { slotsOf, weightsOf } from './candidates.js'
import { configFields, integerField, invalid } from './config.js'
import { Sampler } from './sampler.js'

const MAX_CHOICES = 10

export interface LeastRequestConfig {
  /** How many endpoints are sampled for each pick: 2 to 10. */
  readonly choiceCount: number
}

/**
 * The least loaded of a few samples (gRFC A48). A48 leaves weights out; here endpoints are sampled by weight and compared
 * by requests in flight per weight, so idle or loaded, each gets its share, and equal weights give A48 itself.
 */
export const leastRequest: Policy<LeastRequestConfig> = {
  name: 'least_request',
  share: 'weight',
  parseConfig(raw) {
    const choiceCount = integerField('least_request', configFields('least_request', raw), 'choiceCount') ?? 2
    // "If choice_count < 2, the config will be rejected." (gRFC A48) Above 10 it counts as 10.
    if (choiceCount < 2) throw invalid(`least_request: choiceCount is ${choiceCount}`, 'use 2 to 10')
    return { choiceCount: Math.min(choiceCount, MAX_CHOICES) }
  },
  build: (candidates, config, runtime) => new LeastRequestPicker(candidates, config, runtime),
}

class LeastRequestPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #loads: LoadTable
  readonly #slots: Int32Array
  readonly #choiceCount: number
  readonly #weights: Float64Array
  readonly #sampler: Sampler

  constructor(candidates: readonly Upstream[], config: LeastRequestConfig, runtime: Runtime) {
    this.#candidates = candidates
    this.#loads = candidates[0]!.loads
    this.#slots = slotsOf(candidates)
    this.#choiceCount = config.choiceCount
    this.#weights = weightsOf(candidates)
    this.#sampler = new Sampler(candidates, runtime.random, this.#weights)
  }

  pick(request: PickRequest): Upstream | undefined {
    let best = this.#sampler.next(request)
    if (best < 0) return undefined
    // Samples are drawn with replacement, and the first of equals stays.
    for (let i = 1; i < this.#choiceCount; i++) {
      const index = this.#sampler.next(request)
      if (this.#isLess(index, best)) best = index
    }
    return this.#candidates[best]
  }

  #isLess(a: number, b: number): boolean {
    const { inFlight } = this.#loads
    return inFlight[this.#slots[a]!]! * this.#weights[b]! < inFlight[this.#slots[b]!]! * this.#weights[a]!
  }
}
