import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { AliasTable } from './alias-table.js'
import { isExcluded, nextAllowed, REDRAWS, weightsOf } from './candidates.js'

/** At random, each endpoint in proportion to its weight, in constant time. */
export const weightedRandom: Policy<undefined> = {
  name: 'weighted_random',
  share: 'weight',
  parseConfig: () => undefined,
  build: (candidates, _config, runtime) => new WeightedRandomPicker(candidates, runtime.random),
}

class WeightedRandomPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #table: AliasTable
  readonly #random: Random

  constructor(candidates: readonly Upstream[], random: Random) {
    this.#candidates = candidates
    this.#table = new AliasTable(weightsOf(candidates))
    this.#random = random
  }

  pick(request: PickRequest): Upstream | undefined {
    const candidates = this.#candidates
    let index = this.#table.draw(this.#random)
    if (request.exclude !== undefined) {
      for (let i = 0; i < REDRAWS && isExcluded(candidates[index]!, request); i++)
        index = this.#table.draw(this.#random)
      index = nextAllowed(candidates, index, request)
    }
    return candidates[index]
  }
}
