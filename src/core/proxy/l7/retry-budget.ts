import type { Ticker } from '../ticker.js'
import { TICK_MS } from '../ticker.js'

/** What a retry takes out, in whole numbers: of every five requests one may be tried again, and ten a second however few there are. */
const PER_RETRY = 5
const PER_REQUEST = 1
const PER_SECOND = 50
/** The most that is saved up, so that one endpoint going away under load costs no request. */
const MOST = 1000 * PER_RETRY

/** Keeps retries from multiplying the load on a service that fails: without a budget each request might be sent N times. */
export class RetryBudget {
  readonly #ticker: Ticker
  #saved = MOST
  #at: number

  constructor(ticker: Ticker) {
    this.#ticker = ticker
    this.#at = ticker.now
  }

  /** A request has come. */
  deposit(): void {
    if (this.#saved < MOST) this.#saved += PER_REQUEST
  }

  /** Whether one may be tried again now, which is then counted. */
  take(): boolean {
    const { now } = this.#ticker
    this.#saved = Math.min(MOST, this.#saved + ((now - this.#at) * TICK_MS * PER_SECOND) / 1000)
    this.#at = now
    if (this.#saved < PER_RETRY) return false
    this.#saved -= PER_RETRY
    return true
  }
}
