import type { Random } from '../../runtime.js'

/**
 * Draws indices by weight in constant time: Walker's alias method in Vose's form. Each of n equal columns holds its own
 * index up to a limit and an alias above it; one random number gives both the column and the height in it.
 */
export class AliasTable {
  readonly #columns: number
  /** Limit and alias of each column, side by side so that a draw touches one place in memory. */
  readonly #table: Float64Array

  /** `weights`: at least one, all finite and above zero. */
  constructor(weights: Float64Array) {
    const n = weights.length
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const limits = weights.map((weight) => (weight * n) / total)
    const aliases = weights.map((_, index) => index)

    const small: number[] = []
    const large: number[] = []
    limits.forEach((limit, index) => (limit < 1 ? small : large).push(index))
    while (small.length > 0 && large.length > 0) {
      const low = small.pop()!
      const high = large.at(-1)!
      aliases[low] = high
      limits[high]! -= 1 - limits[low]!
      if (limits[high]! < 1) small.push(large.pop()!)
    }
    // What is left is full up to rounding.
    for (const index of [...small, ...large]) limits[index] = 1

    this.#columns = n
    this.#table = new Float64Array(2 * n)
    for (let index = 0; index < n; index++) this.#table.set([limits[index]!, aliases[index]!], 2 * index)
  }

  draw(random: Random): number {
    const point = random.next() * this.#columns
    const column = Math.floor(point)
    return point - column < this.#table[2 * column]! ? column : this.#table[2 * column + 1]!
  }
}
