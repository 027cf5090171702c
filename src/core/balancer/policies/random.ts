import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { weightsOf } from './candidates.js'
import { Sampler } from './sampler.js'

/** Uniformly at random, whatever the weights. */
export const random: Policy<undefined> = {
  name: 'random',
  share: 'equal',
  parseConfig: () => undefined,
  build: (candidates, _config, runtime) => new RandomPicker(candidates, runtime.random),
}

/** At random, each endpoint in proportion to its weight, in constant time. */
export const weightedRandom: Policy<undefined> = {
  name: 'weighted_random',
  share: 'weight',
  parseConfig: () => undefined,
  build: (candidates, _config, runtime) => new RandomPicker(candidates, runtime.random, weightsOf(candidates)),
}

class RandomPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #sampler: Sampler

  constructor(candidates: readonly Upstream[], random: Random, weights?: Float64Array) {
    this.#candidates = candidates
    this.#sampler = new Sampler(candidates, random, weights)
  }

  pick(request: PickRequest): Upstream | undefined {
    return this.#candidates[this.#sampler.next(request)]
  }
}
