import { KeyHash } from './hash.js'

/** Primes: the usual table, and larger ones for sets that it cannot hold. */
const TABLE_SIZES = [65_537, 655_373, 5_000_011]

/**
 * The lookup table for endpoints with these weights (all above zero): each slot holds an index. They take slots in turn,
 * each the next free one along a permutation that its address's XXH64 gives.
 */
export function maglevTable(addresses: readonly string[], weights: Float64Array): Int32Array {
  const hash = new KeyHash()
  const size = TABLE_SIZES.find((each) => each >= addresses.length) ?? TABLE_SIZES.at(-1)!
  const table = new Int32Array(size).fill(-1)
  const slots = new Int32Array(addresses.length)
  const skips = new Int32Array(addresses.length)
  addresses.forEach((address, i) => {
    hash.update(address)
    slots[i] = hash.high % size
    skips[i] = (hash.low % (size - 1)) + 1
  })

  const rounds = new Rounds(weights)
  for (let filled = 0; filled < size; filled++) {
    const index = rounds.next()
    let slot = slots[index]!
    const skip = skips[index]!
    while (table[slot]! >= 0) {
      slot += skip
      if (slot >= size) slot -= size
    }
    table[slot] = index
    slots[index] = slot
  }
  return table
}

/**
 * Whose turn it is to take a slot: the heaviest in every round, the others in the share of rounds that their weight is of
 * the heaviest's. Constant time a turn: whoever had its k-th turn waits in the list of the round of its next.
 */
class Rounds {
  readonly #weights: Float64Array
  readonly #heaviest: number
  readonly #turns: Int32Array
  /** For each index the next one in the same round's list, or -1. */
  readonly #following: Int32Array
  readonly #firstOf = new Map<number, number>()
  #round = 0
  #current = -1

  constructor(weights: Float64Array) {
    this.#weights = weights
    this.#heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0)
    this.#turns = new Int32Array(weights.length)
    this.#following = new Int32Array(weights.length)
    for (let index = weights.length - 1; index >= 0; index--) this.#enlist(index)
  }

  next(): number {
    while (this.#current < 0) {
      this.#round++
      this.#current = this.#firstOf.get(this.#round) ?? -1
      this.#firstOf.delete(this.#round)
    }
    const index = this.#current
    this.#current = this.#following[index]!
    this.#enlist(index)
    return index
  }

  /** Puts an index at the head of the list of the round of its next turn. */
  #enlist(index: number): void {
    const turn = ++this.#turns[index]!
    const round = Math.ceil((turn * this.#heaviest) / this.#weights[index]!)
    this.#following[index] = this.#firstOf.get(round) ?? -1
    this.#firstOf.set(round, index)
  }
}
