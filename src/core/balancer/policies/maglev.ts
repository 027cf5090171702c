import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { isExcluded, nextAllowed, weightsOf } from './candidates.js'
import { KeyHash } from './hash.js'
import { type HashHeaderConfig, parseHashHeaderConfig } from './hash-header.js'
import { maglevTable } from './maglev-table.js'

/** How far along the table a key whose endpoint is excluded looks for another before it takes one from the list. */
const REACH = 64

/**
 * Consistent hashing by a lookup table that endpoints fill in turn, each along a permutation of its own and as often as
 * its weight says (Eisenbud et al., "Maglev", NSDI 2016, section 3.4). Shares are even to within a few thousandths; a
 * change of the set moves a little more than it must.
 */
export const maglev: Policy<HashHeaderConfig> = {
  name: 'maglev',
  share: 'weight',
  byKey: true,
  parseConfig: (raw) => parseHashHeaderConfig('maglev', raw),
  build: (candidates, _config, runtime) => new MaglevPicker(candidates, runtime.random),
}

class MaglevPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #random: Random
  readonly #hash = new KeyHash()
  /** Indices of candidates. */
  readonly #table: Int32Array

  constructor(candidates: readonly Upstream[], random: Random) {
    this.#candidates = candidates
    this.#random = random
    const addresses = candidates.map(({ endpoint }) => endpoint.address)
    this.#table = maglevTable(addresses, weightsOf(candidates))
  }

  pick(request: PickRequest): Upstream | undefined {
    const table = this.#table
    const { key } = request
    const slot =
      key === undefined ? Math.floor(this.#random.next() * table.length) : this.#hash.update(key).modulo(table.length)
    const index = table[slot]!
    return this.#candidates[request.exclude === undefined ? index : this.#nextFrom(slot, request)]
  }

  #nextFrom(slot: number, request: PickRequest): number {
    for (let step = 0; step < REACH; step++) {
      const index = this.#table[(slot + step) % this.#table.length]!
      if (!isExcluded(this.#candidates[index]!, request)) return index
    }
    return nextAllowed(this.#candidates, this.#table[slot]!, request)
  }
}
