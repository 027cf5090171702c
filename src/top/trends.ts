import type { Trend } from './board.js'

/** How many seconds are kept. */
const KEPT = 60
const STEP_MS = 1000

export interface Trends {
  readonly rate: Trend
  readonly latency: Trend
}

interface Line extends Trends {
  /** The counter and the time of the last step. */
  readonly counter: number
  readonly at: number
}

const NONE: Trends = { rate: [], latency: [] }

/** The recent past of whatever has a name: how fast its counter grew and what its latency was, a step a second. */
export class TrendBook {
  readonly #lines = new Map<string, Line>()

  /**
   * Takes in what is known of `name` at `now` (monotonic milliseconds). Between two steps nothing changes. A counter that went back
   * belongs to something new: it is counted from there.
   */
  count(name: string, now: number, counter: number, latency: number | null): Trends {
    const line = this.#lines.get(name)
    if (!line || counter < line.counter) {
      return this.#keep(name, { counter, at: now, rate: line?.rate ?? [], latency: line?.latency ?? [] })
    }
    const ms = now - line.at
    if (ms < STEP_MS) return line
    const rate = [...line.rate.slice(1 - KEPT), ((counter - line.counter) * 1000) / ms]
    return this.#keep(name, { counter, at: now, rate, latency: [...line.latency.slice(1 - KEPT), latency] })
  }

  /** Takes in the rate of `name` itself. */
  sample(name: string, now: number, rate: number): Trend {
    const line = this.#lines.get(name) ?? this.#keep(name, { counter: 0, at: now, ...NONE })
    if (now - line.at < STEP_MS) return line.rate
    return this.#keep(name, { ...line, at: now, rate: [...line.rate.slice(1 - KEPT), rate] }).rate
  }

  /** Forgets everything that is not named. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#lines.keys()) if (!names.has(name)) this.#lines.delete(name)
  }

  #keep(name: string, line: Line): Line {
    this.#lines.set(name, line)
    return line
  }
}
