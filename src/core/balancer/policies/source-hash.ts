import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { nextAllowed } from './candidates.js'
import { KeyHash } from './hash.js'
import { type HashHeaderConfig, parseHashHeaderConfig } from './hash-header.js'

/** The key's hash modulo the list. A changed list moves most keys: `ring_hash` and `maglev` move few. */
export const sourceHash: Policy<HashHeaderConfig> = {
  name: 'source_hash',
  share: 'equal',
  byKey: true,
  parseConfig: (raw) => parseHashHeaderConfig('source_hash', raw),
  build: (candidates, _config, runtime) => new SourceHashPicker(candidates, runtime.random),
}

class SourceHashPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #random: Random
  readonly #hash = new KeyHash()

  constructor(candidates: readonly Upstream[], random: Random) {
    this.#candidates = candidates
    this.#random = random
  }

  pick(request: PickRequest): Upstream | undefined {
    const n = this.#candidates.length
    const { key } = request
    const index = key === undefined ? Math.floor(this.#random.next() * n) : this.#hash.update(key).modulo(n)
    return this.#candidates[nextAllowed(this.#candidates, index, request)]
  }
}
