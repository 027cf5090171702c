import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { isExcluded, nextAllowed, REDRAWS } from './candidates.js'

/** Uniformly at random, whatever the weights. */
export const random: Policy<undefined> = {
  name: 'random',
  share: 'equal',
  parseConfig: () => undefined,
  build: (candidates, _config, runtime) => new RandomPicker(candidates, runtime.random),
}

class RandomPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #random: Random

  constructor(candidates: readonly Upstream[], random: Random) {
    this.#candidates = candidates
    this.#random = random
  }

  pick(request: PickRequest): Upstream | undefined {
    const candidates = this.#candidates
    let index = Math.floor(this.#random.next() * candidates.length)
    if (request.exclude !== undefined) {
      for (let i = 0; i < REDRAWS && isExcluded(candidates[index]!, request); i++) {
        index = Math.floor(this.#random.next() * candidates.length)
      }
      index = nextAllowed(candidates, index, request)
    }
    return candidates[index]
  }
}
