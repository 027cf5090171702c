import { bucketMiddleMs, type LatencyReading } from '../../proxy/latency-histogram.js'

/**
 * What was recorded between two readings. Everything, where the later one is of another process or endpoint and has
 * less.
 */
export function latenciesSince(now: LatencyReading, before: LatencyReading | undefined): LatencyReading {
  if (before === undefined || before.counts.length === 0) return now
  const { from, counts } = now
  if (before.from < from || before.from + before.counts.length > from + counts.length) return now
  const rest = counts.slice()
  for (let i = 0; i < before.counts.length; i++) {
    const bucket = before.from - from + i
    rest[bucket]! -= before.counts[i]!
    if (rest[bucket]! < 0) return now
  }
  return { from, counts: rest, sumMs: now.sumMs - before.sumMs }
}

export function countOf({ counts }: LatencyReading): number {
  let total = 0
  for (const count of counts) total += count
  return total
}

/**
 * For each of `shares` (0 to 1, growing), the latency in milliseconds that such a share of all stays within; null of
 * nothing.
 */
export function quantilesMs(reading: LatencyReading, shares: readonly number[]): (number | null)[] {
  const total = countOf(reading)
  if (total === 0) return shares.map(() => null)
  let bucket = 0
  let seen = reading.counts[0]!
  return shares.map((share) => {
    const rank = Math.max(1, Math.ceil(share * total))
    while (seen < rank) seen += reading.counts[++bucket]!
    return bucketMiddleMs(reading.from + bucket)
  })
}

/** How many are in the buckets before each of `bounds`, which grow. */
export function countsBefore({ from, counts }: LatencyReading, bounds: readonly number[]): number[] {
  let bucket = 0
  let below = 0
  return bounds.map((bound) => {
    while (bucket < counts.length && from + bucket < bound) below += counts[bucket++]!
    return below
  })
}
