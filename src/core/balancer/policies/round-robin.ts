import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { nextAllowed, resumeAt } from './candidates.js'

/** One after the other, whatever their weights. The turn goes on where it stood when the set changes. */
export const roundRobin: Policy<undefined> = {
  name: 'round_robin',
  share: 'equal',
  parseConfig: () => undefined,
  build(candidates, _config, _runtime, previous) {
    const resumed = previous instanceof RoundRobinPicker ? previous.positionIn(candidates) : 0
    return new RoundRobinPicker(candidates, resumed)
  },
}

class RoundRobinPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  #next: number

  constructor(candidates: readonly Upstream[], next: number) {
    this.#candidates = candidates
    this.#next = next
  }

  pick(request: PickRequest): Upstream | undefined {
    const candidates = this.#candidates
    let index = this.#next
    if (request.exclude !== undefined) {
      index = nextAllowed(candidates, index, request)
      if (index < 0) return undefined
    }
    this.#next = index + 1 === candidates.length ? 0 : index + 1
    return candidates[index]
  }

  positionIn(candidates: readonly Upstream[]): number {
    return resumeAt(candidates, this.#candidates, this.#next)
  }
}
