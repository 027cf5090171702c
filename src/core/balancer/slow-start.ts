/** How an endpoint that comes into use gets its share of traffic step by step (Envoy's `SlowStartConfig`). */
export interface SlowStartRules {
  /** How long it takes, milliseconds. */
  readonly windowMs: number
  /** 1: linear; above 1: faster at first. Above 0. */
  readonly aggression: number
  /** What it gets at least, percent of its share. */
  readonly minWeightPercent: number
  /** Whether endpoints that the registry adds start slowly too, not only those that recovered. */
  readonly newEndpoints: boolean
}

/** Envoy's aggression and least weight. It has no window of its own. */
export const DEFAULT_SLOW_START: SlowStartRules = Object.freeze({
  windowMs: 10_000,
  aggression: 1,
  minWeightPercent: 10,
  newEndpoints: false,
})

/** Envoy's time factor counts the first second as a whole one. */
const LEAST_MS = 1000

/**
 * An endpoint's way into use. The policy goes on choosing as if it had its full share; of these picks only a part is
 * admitted, evenly spread, and the others go to another endpoint. So nothing has to be rebuilt while the share grows.
 */
export class Ramp {
  readonly #rules: SlowStartRules
  readonly #from: number
  #credit = 0

  /** @param from monotonic milliseconds at which it begins */
  constructor(rules: SlowStartRules, from: number) {
    this.#rules = rules
    this.#from = from
  }

  isOver(now: number): boolean {
    return now - this.#from >= this.#rules.windowMs
  }

  /** The part of its share that the endpoint gets at `now`, 0 to 1. */
  factor(now: number): number {
    const { windowMs, aggression, minWeightPercent } = this.#rules
    const time = Math.max(now - this.#from, LEAST_MS) / windowMs
    return Math.min(1, Math.max(minWeightPercent / 100, time ** (1 / aggression)))
  }

  /** Whether this pick is one of the admitted. */
  admits(now: number): boolean {
    this.#credit += this.factor(now)
    if (this.#credit < 1) return false
    this.#credit -= 1
    return true
  }
}
