import type { Random } from '../../runtime.js'
import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { isExcluded, nextAllowed } from './candidates.js'
import { configFields, integerField, invalid } from './config.js'
import { KeyHash } from './hash.js'
import { type HashHeaderConfig, hashHeaderField } from './hash-header.js'
import { Ring, type RingSize } from './ring.js'

/** gRFC A42's defaults, and the cap that its clients put on both sizes. */
const DEFAULT_MIN = 1024
const DEFAULT_MAX = 4096
const CAP = 4096
/** The most that either size may be given as (gRFC A42). */
const BOUND = 8 * 1024 * 1024

export interface RingHashConfig extends HashHeaderConfig {
  /** Set when the config gives either size: then the ring is gRPC's. */
  readonly ringSize: RingSize | undefined
}

/** Consistent hashing on a ring: the key goes to the first entry at or after its XXH64 (gRFC A42). */
export const ringHash: Policy<RingHashConfig> = {
  name: 'ring_hash',
  share: 'weight',
  byKey: true,
  parseConfig(raw) {
    const fields = configFields('ring_hash', raw)
    const min = integerField('ring_hash', fields, 'minRingSize')
    const max = integerField('ring_hash', fields, 'maxRingSize')
    return { ringSize: ringSize(min, max), requestHashHeader: hashHeaderField('ring_hash', fields) }
  },
  build: (candidates, config, runtime) => new RingHashPicker(candidates, config, runtime.random),
}

class RingHashPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #random: Random
  readonly #hash = new KeyHash()
  readonly #ring: Ring

  constructor(candidates: readonly Upstream[], config: RingHashConfig, random: Random) {
    this.#candidates = candidates
    this.#random = random
    this.#ring = new Ring(candidates, config.ringSize, this.#hash)
  }

  pick(request: PickRequest): Upstream | undefined {
    const entry = this.#entryOf(request.key)
    const index = request.exclude === undefined ? this.#ring.ownerOf(entry) : this.#nextFrom(entry, request)
    return this.#candidates[index]
  }

  #entryOf(key: string | undefined): number {
    // Without a key, a random hash (gRFC A76).
    if (key === undefined) return this.#ring.find(Math.floor(this.#random.next() * 2 ** 32), 0)
    this.#hash.update(key)
    return this.#ring.find(this.#hash.high, this.#hash.low)
  }

  /** The owner of the first entry from here on that is not excluded; a small ring need not have an entry of everyone. */
  #nextFrom(entry: number, request: PickRequest): number {
    const { size } = this.#ring
    for (let step = 0; step < size; step++) {
      const index = this.#ring.ownerOf((entry + step) % size)
      if (!isExcluded(this.#candidates[index]!, request)) return index
    }
    return nextAllowed(this.#candidates, 0, request)
  }
}

/** Zero stands for the default, as in proto3. */
function ringSize(min = 0, max = 0): RingSize | undefined {
  if (min === 0 && max === 0) return undefined
  const size = { min: min || DEFAULT_MIN, max: max || DEFAULT_MAX }
  if (size.max > BOUND || size.min > size.max) {
    throw invalid(
      `ring_hash: minRingSize ${size.min} and maxRingSize ${size.max} do not fit`,
      `give a maxRingSize of at most ${BOUND} and a minRingSize no larger`,
    )
  }
  return { min: Math.min(size.min, CAP), max: Math.min(size.max, CAP) }
}
