/** A figure that has not changed for so long, although the weight did, counts again, milliseconds. */
const REPEAT_MS = 20_000

/** What the figures in one instance's record have led to. */
export class LoadFactor {
  /** The logarithm of what the registry's weight is multiplied by. */
  log = 0
  #figure: number | undefined
  #usedAt = -Infinity

  /** @param since when the instance was first seen with a figure, monotonic milliseconds */
  constructor(readonly since: number) {}

  /** Whether a figure is still to be acted on; it counts as used then. */
  takes(figure: number, now: number): boolean {
    if (figure === this.#figure && now - this.#usedAt < REPEAT_MS) return false
    this.#figure = figure
    this.#usedAt = now
    return true
  }
}
