/** Checks in a row that must pass before an endpoint that failed is healthy (HAProxy's `rise`). */
const RISE = 2
/** Checks in a row that must fail before a healthy endpoint is not (HAProxy's `fall`). */
const FALL = 3

/** Turns the results of checks into a verdict that does not waver. The first result is a verdict at once. */
export class RiseAndFall {
  #healthy: boolean | undefined
  /** Results in a row that speak against the verdict. */
  #against = 0

  /** Takes in a result. Returns the verdict if it is another one than before, else undefined. */
  take(passed: boolean): boolean | undefined {
    if (passed === this.#healthy) {
      this.#against = 0
      return undefined
    }
    this.#against++
    if (this.#healthy !== undefined && this.#against < (passed ? RISE : FALL)) return undefined
    this.#against = 0
    this.#healthy = passed
    return passed
  }
}
