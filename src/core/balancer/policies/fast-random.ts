import type { Random } from '../../runtime.js'

/**
 * A source of 32-bit chance (Chris Doty-Humphrey's sfc32) seeded from another: a third of what Math.random takes, in picks
 * that take little else. Not for secrets.
 */
export class FastRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: Random) {
    this.#a = (seed.next() * 2 ** 32) | 0
    this.#b = (seed.next() * 2 ** 32) | 0
    this.#c = (seed.next() * 2 ** 32) | 0
    for (let i = 0; i < 12; i++) this.next()
  }

  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
}
