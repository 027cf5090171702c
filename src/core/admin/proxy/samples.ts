import type { ListenerReading } from '../../proxy/reading.js'

/** What was read at one moment. */
export interface Sample {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly listeners: readonly ListenerReading[]
  /** The processes that were read. */
  readonly of: string
}

/** How far back rates look, if somebody looked then. */
const WINDOW_MS = 5000
/** Older samples are used only where there is no younger one. */
const OLDEST_MS = 7500
/** Two samples of the same processes are at least so far apart. */
const APART_MS = 900
/** What is younger has too little to tell. */
const YOUNGEST_MS = 200

/**
 * Past readings to compare a new one with. Only those that somebody asked for are kept, so that nothing is read while
 * nobody looks: rates are of the last seconds where readers come often, and else since the last reader came.
 */
export class Samples {
  #samples: readonly Sample[] = []

  /**
   * The one to compare a reading of the processes `of` at `now` with; undefined for none yet: then everything since the
   * start counts. Where a worker has taken another's place, counters of before say nothing about how much has happened
   * since.
   */
  baseline(now: number, of: string): Sample | undefined {
    const ageOf = ({ at }: Sample) => now - at
    const samples = this.#samples.filter((sample) => sample.of === of)
    const recent = samples.filter((sample) => ageOf(sample) <= OLDEST_MS && ageOf(sample) >= YOUNGEST_MS)
    const old = samples.findLast((sample) => ageOf(sample) > OLDEST_MS)
    return recent.findLast((sample) => ageOf(sample) >= WINDOW_MS) ?? recent[0] ?? old
  }

  add(sample: Sample): void {
    const last = this.#samples.at(-1)
    if (last?.of === sample.of && sample.at - last.at < APART_MS) return
    const isOld = ({ at }: Sample) => sample.at - at > OLDEST_MS
    const old = this.#samples.findLast(isOld)
    this.#samples = [...(old ? [old] : []), ...this.#samples.filter((each) => !isOld(each)), sample]
  }
}
