import type { Random } from './runtime.js'

export interface BackoffOptions {
  /** Upper bound of the first delay, milliseconds. Default 200. */
  readonly initialMs?: number
  /** Upper bound of every delay, milliseconds. Default 30,000. */
  readonly maxMs?: number
  /** Growth of the upper bound per attempt. Default 2. */
  readonly factor?: number
}

/**
 * Exponential backoff with full jitter: attempt n waits a uniform time below `min(max, initial × factorⁿ)`.
 * Reset it after a response from the other side, not after a mere connection.
 */
export class Backoff {
  #attempt = 0
  readonly #random: Random
  readonly #initialMs: number
  readonly #maxMs: number
  readonly #factor: number

  constructor(random: Random, options: BackoffOptions = {}) {
    this.#random = random
    this.#initialMs = options.initialMs ?? 200
    this.#maxMs = options.maxMs ?? 30_000
    this.#factor = options.factor ?? 2
  }

  /** The delay before the next attempt, milliseconds. */
  next(): number {
    const bound = Math.min(this.#maxMs, this.#initialMs * this.#factor ** this.#attempt)
    if (bound < this.#maxMs) this.#attempt++
    return this.#random.next() * bound
  }

  reset(): void {
    this.#attempt = 0
  }
}
