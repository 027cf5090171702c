/** What latencies are recorded in: 1/64 ms, so that a time in them is a small integer. */
export const UNITS_PER_MS = 64

/** Buckets per doubling, as a power of two. */
const SUB_BITS = 4
/** Longer ones (4 minutes) count as this. */
const LONGEST = 2 ** 24 - 1

/** How many buckets there are. */
export const BUCKETS = bucketOf(LONGEST) + 1

/**
 * Counts of latencies in buckets that are linear within each doubling, so that a value read from them is off by at most
 * 1/32 of itself (or half a unit). Two add up bucket by bucket: those of several endpoints, workers or moments can be
 * read as one.
 */
export class LatencyHistogram {
  /** Undefined until something is recorded: most endpoints of a large service may never be asked. */
  #counts: Float64Array | undefined
  #sum = 0

  /** Takes a latency in. Called for every request: a few operations, no allocation. */
  record(units: number): void {
    const value = units > LONGEST ? LONGEST : units
    const counts = (this.#counts ??= new Float64Array(BUCKETS))
    counts[bucketOf(value)]!++
    this.#sum += value
  }

  /** Takes over all that `other` counted. */
  add(other: LatencyHistogram): void {
    if (other.#counts === undefined) return
    const counts = (this.#counts ??= new Float64Array(BUCKETS))
    other.#counts.forEach((count, i) => (counts[i]! += count))
    this.#sum += other.#sum
  }

  /** A copy of what was counted, without the empty buckets at either end. */
  read(): LatencyReading {
    const counts = this.#counts
    if (counts === undefined) return NO_LATENCIES
    let from = 0
    let to = BUCKETS
    while (counts[from] === 0) from++
    while (counts[to - 1] === 0) to--
    const copy = new Array<number>(to - from)
    for (let i = from; i < to; i++) copy[i - from] = counts[i]!
    return { from, counts: copy, sumMs: this.#sum / UNITS_PER_MS }
  }
}

/**
 * What a histogram counted: the buckets from `from` on, and the sum of all that was recorded. A plain array: a thousand
 * short typed ones cost more to make and to let go of.
 */
export interface LatencyReading {
  readonly from: number
  readonly counts: readonly number[]
  readonly sumMs: number
}

export const NO_LATENCIES: LatencyReading = Object.freeze({ from: 0, counts: Object.freeze([]), sumMs: 0 })

/** All of `readings` as one. */
export function addLatencies(readings: readonly LatencyReading[]): LatencyReading {
  const filled = readings.filter(({ counts }) => counts.length > 0)
  if (filled.length < 2) return filled[0] ?? NO_LATENCIES
  const from = Math.min(...filled.map((reading) => reading.from))
  const to = Math.max(...filled.map((reading) => reading.from + reading.counts.length))
  const counts = new Array<number>(to - from).fill(0)
  let sumMs = 0
  for (const reading of filled) {
    sumMs += reading.sumMs
    reading.counts.forEach((count, i) => (counts[reading.from + i - from]! += count))
  }
  return { from, counts, sumMs }
}

/** The bucket of a latency in units, 0 to LONGEST. */
export function bucketOf(units: number): number {
  // Below 32 every value has a bucket of its own, and the formula is the value itself.
  const shift = Math.max(0, 31 - SUB_BITS - Math.clz32(units))
  return (shift << SUB_BITS) + (units >>> shift)
}

/** The middle of a bucket, in milliseconds. */
export function bucketMiddleMs(bucket: number): number {
  const shift = Math.max(0, (bucket >>> SUB_BITS) - 1)
  const least = (bucket - (shift << SUB_BITS)) * 2 ** shift
  return (least + (2 ** shift - 1) / 2) / UNITS_PER_MS
}
