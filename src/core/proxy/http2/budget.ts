import { TICK_MS } from '../ticker.js'

/** What a peer may do at once and regains each second: a token bucket over the ticker's time. */
export class Budget {
  readonly #burst: number
  readonly #perTick: number
  #left: number
  #since: number

  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst
    this.#perTick = (perSecond * TICK_MS) / 1000
    this.#left = burst
    this.#since = now
  }

  /** Spends one at tick `now`. False if nothing is left. */
  spend(now: number): boolean {
    if (now !== this.#since) {
      this.earn((now - this.#since) * this.#perTick)
      this.#since = now
    }
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  /** Gives some back. */
  earn(amount: number): void {
    this.#left = Math.min(this.#burst, this.#left + amount)
  }
}
