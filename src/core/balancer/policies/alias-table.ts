import type { Random } from '../../runtime.js'

/**
 * Draws indices by weight in constant time: Walker's alias method in Vose's form. Each of n equal columns holds one index
 * up to `#limits` and an alias above it; one random number gives both the column and the height in it.
 */
export class AliasTable {
  readonly #limits: Float64Array
  readonly #aliases: Uint32Array

  /** `weights`: at least one, all finite and above zero. */
  constructor(weights: Float64Array) {
    const n = weights.length
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    this.#limits = weights.map((weight) => (weight * n) / total)
    this.#aliases = Uint32Array.from(weights, (_, index) => index)

    const small: number[] = []
    const large: number[] = []
    this.#limits.forEach((height, index) => (height < 1 ? small : large).push(index))
    while (small.length > 0 && large.length > 0) {
      const low = small.pop()!
      const high = large.at(-1)!
      this.#aliases[low] = high
      this.#limits[high] = this.#limits[high]! - (1 - this.#limits[low]!)
      if (this.#limits[high] < 1) small.push(large.pop()!)
    }
    // What is left is full up to rounding.
    for (const index of [...small, ...large]) this.#limits[index] = 1
  }

  draw(random: Random): number {
    const point = random.next() * this.#limits.length
    const column = Math.floor(point)
    return point - column < this.#limits[column]! ? column : this.#aliases[column]!
  }
}
