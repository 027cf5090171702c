/** How fast an estimate forgets: after this long an old value counts for 1/e. Finagle's default. */
const DECAY_MS = 10_000

/** What a failed request counts as at least, so that an endpoint that fails at once does not look fast. */
const FAILURE_MS = 1_000

/**
 * A peak-sensitive moving average of latency (Finagle's PeakEwma): a slower answer counts at once and in full, faster
 * ones are approached over time, and with nothing heard the estimate decays towards zero, so that a slow endpoint is
 * tried again.
 */
export class LatencyEstimate {
  /** Milliseconds, as of `stamp`. */
  #value = 0
  #stamp = 0
  #seen = false

  /** Whether anything has been observed yet. */
  get seen(): boolean {
    return this.#seen
  }

  /** Takes in how a request ended at `now` (monotonic milliseconds). A success without a latency says nothing. */
  observe(ok: boolean, latencyMs: number | undefined, now: number): void {
    if (ok && latencyMs === undefined) return
    const sample = ok ? latencyMs! : Math.max(latencyMs ?? 0, FAILURE_MS)
    const kept = Math.exp((this.#stamp - now) / DECAY_MS)
    const decayed = this.#value * kept
    this.#value = sample > decayed ? sample : decayed + sample * (1 - kept)
    this.#stamp = now
    this.#seen = true
  }

  /** The estimate at `now` (monotonic milliseconds), in milliseconds. */
  at(now: number): number {
    return this.#value * Math.exp((this.#stamp - now) / DECAY_MS)
  }

  /**
   * This estimate over `other`'s at any one moment. Both decay at the same rate, so no clock is needed: the time since
   * either was last told cancels out.
   */
  ratioTo(other: LatencyEstimate): number {
    return (this.#value / other.#value) * Math.exp((this.#stamp - other.#stamp) / DECAY_MS)
  }

  /** Forgets everything: the endpoint behind it is another one now. */
  reset(): void {
    this.#value = 0
    this.#seen = false
  }
}
