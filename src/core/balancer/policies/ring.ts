import type { Upstream } from '../upstream.js'
import { weightsOf } from './candidates.js'
import type { KeyHash } from './hash.js'

/** How large a ring is to be, as gRFC A42 puts it. */
export interface RingSize {
  readonly min: number
  readonly max: number
}

/** Entries an endpoint has for each unit of weight where no ring size is asked for. */
const ENTRIES_PER_WEIGHT = 256

/** What the entries for each unit of weight are halved for until the ring is no larger. */
const ENTRIES_LIMIT = 65_536

/** Entries of hashes in ascending order, each owned by a candidate. The entry `i` of an endpoint is XXH64 of `address_i`. */
export class Ring {
  readonly size: number
  readonly #highs: Uint32Array
  readonly #lows: Uint32Array
  readonly #owners: Int32Array
  /** The first entry of each equal part of the hashes' range; about as many parts as entries. */
  readonly #starts: Int32Array
  readonly #shift: number

  constructor(candidates: readonly Upstream[], size: RingSize | undefined, hash: KeyHash) {
    const weights = weightsOf(candidates)
    const counts = size ? scaledCounts(weights, size) : fixedCounts(weights)
    this.size = counts.reduce((sum, count) => sum + count, 0)

    const highs = new Uint32Array(this.size)
    const lows = new Uint32Array(this.size)
    const owners = new Int32Array(this.size)
    let entry = 0
    counts.forEach((count, owner) => {
      const prefix = `${candidates[owner]!.endpoint.address}_`
      for (let i = 0; i < count; i++, entry++) {
        hash.update(prefix + i)
        highs[entry] = hash.high
        lows[entry] = hash.low
        owners[entry] = owner
      }
    })
    const order = ascending(highs, lows)
    this.#highs = order.map((from) => highs[from]!)
    this.#lows = order.map((from) => lows[from]!)
    this.#owners = Int32Array.from(order, (from) => owners[from]!)

    const bits = Math.max(1, Math.ceil(Math.log2(this.size)))
    this.#shift = 32 - bits
    this.#starts = new Int32Array(2 ** bits)
    for (let part = 0, at = 0; part < this.#starts.length; part++) {
      while (at < this.size && this.#highs[at]! >>> this.#shift < part) at++
      this.#starts[part] = at
    }
  }

  /** The first entry with a hash at or above this one, going round. Looks at one or two entries. */
  find(high: number, low: number): number {
    let at = this.#starts[high >>> this.#shift]!
    while (at < this.size && this.#isBelow(at, high, low)) at++
    return at === this.size ? 0 : at
  }

  /** The index of the candidate that owns an entry. */
  ownerOf(entry: number): number {
    return this.#owners[entry]!
  }

  #isBelow(entry: number, high: number, low: number): boolean {
    const entryHigh = this.#highs[entry]!
    return entryHigh < high || (entryHigh === high && this.#lows[entry]! < low)
  }
}

/**
 * Entries by each endpoint's own weight, so that taking one out moves only the keys it had. Only where the whole weight
 * doubles beyond what the limit allows do all halve theirs.
 */
function fixedCounts(weights: Float64Array): Float64Array {
  let perWeight = ENTRIES_PER_WEIGHT
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  while (total * perWeight > ENTRIES_LIMIT) perWeight /= 2
  return weights.map((weight) => Math.max(1, Math.round(weight * perWeight)))
}

/**
 * Entries by the share of the weight, as gRFC A42 scales them: the lightest endpoint's share of `min`, rounded up, sets the
 * size, which is no more than `max`. The same ring as gRPC's own, but taking an endpoint out may change how many entries
 * the others have.
 */
function scaledCounts(weights: Float64Array, size: RingSize): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const shares = weights.map((weight) => weight / total)
  const least = shares.reduce((min, share) => Math.min(min, share), 1)
  const scale = Math.min(Math.ceil(least * size.min) / least, size.max)
  let placed = 0
  let due = 0
  return shares.map((share) => {
    due += scale * share
    const count = Math.max(0, Math.ceil(due - placed))
    placed += count
    return count
  })
}

/** The order of 64-bit numbers, given as halves, from the least: a radix sort, 16 bits a pass. */
function ascending(highs: Uint32Array, lows: Uint32Array): Uint32Array {
  let order = Uint32Array.from(highs, (_, index) => index)
  for (const [words, shift] of [
    [lows, 0],
    [lows, 16],
    [highs, 0],
    [highs, 16],
  ] as const) {
    const offsets = new Uint32Array(65_537)
    for (const word of words) offsets[((word >>> shift) & 0xffff) + 1]!++
    for (let digit = 1; digit < offsets.length; digit++) offsets[digit]! += offsets[digit - 1]!
    const sorted = new Uint32Array(order.length)
    for (const index of order) sorted[offsets[(words[index]! >>> shift) & 0xffff]!++] = index
    order = sorted
  }
  return order
}
