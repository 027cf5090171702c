import type { OutcomeObserver, Upstream } from '../../balancer/upstream.js'

export interface TallyOwner {
  /** Whether a failure now says anything about the endpoint. */
  readonly counts: boolean
  /** So many failures in a row call for an ejection; Infinity: never. */
  readonly consecutiveFailures: number
  /** That many came in a row. */
  failedInARow(tally: Tally): void
}

/** What the requests to one endpoint came to, and whether it is out for that. */
export class Tally implements OutcomeObserver {
  readonly upstream: Upstream
  readonly #owner: TallyOwner
  /** Of the interval under way. */
  #successes = 0
  #failures = 0
  #inARow = 0
  /** Of the last complete interval. */
  successes = 0
  failures = 0
  /** When it was taken out, monotonic milliseconds; undefined while it is in. */
  ejectedAt: number | undefined
  /** How often it was taken out lately: each interval that it stays in takes one off. */
  ejections = 0

  constructor(upstream: Upstream, owner: TallyOwner) {
    this.upstream = upstream
    this.#owner = owner
  }

  observe(ok: boolean): void {
    if (ok) {
      this.#successes++
      this.#inARow = 0
    } else if (this.#owner.counts) {
      this.#failures++
      if (++this.#inARow < this.#owner.consecutiveFailures) return
      this.#inARow = 0
      this.#owner.failedInARow(this)
    }
  }

  /** Ends the interval. */
  turn(): void {
    this.successes = this.#successes
    this.failures = this.#failures
    this.#successes = 0
    this.#failures = 0
  }

  /** Requests of the last complete interval. */
  get volume(): number {
    return this.successes + this.failures
  }
}
