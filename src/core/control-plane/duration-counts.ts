/** Bounds of the buckets, milliseconds: doublings. */
export const DURATION_BOUNDS_MS: readonly number[] = Array.from({ length: 15 }, (_, i) => 2 ** i)

/** How many durations were how long. */
export class DurationCounts {
  /** Of those within each bound and above the one before; the last, of those that are longer than all. */
  readonly #counts = new Array<number>(DURATION_BOUNDS_MS.length + 1).fill(0)
  #sumMs = 0

  record(ms: number): void {
    const bucket = DURATION_BOUNDS_MS.findIndex((bound) => ms <= bound)
    this.#counts[bucket < 0 ? DURATION_BOUNDS_MS.length : bucket]!++
    this.#sumMs += ms
  }

  read(): DurationReading {
    return { counts: [...this.#counts], sumMs: this.#sumMs }
  }
}

export interface DurationReading {
  /** One for each of `DURATION_BOUNDS_MS`, of what is above the bound before, and one for what is longer. */
  readonly counts: readonly number[]
  readonly sumMs: number
}
