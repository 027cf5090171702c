/**
 * How often each of several weights is to be repeated in a list of at most `limit` entries, so that going through the list in turn
 * gives each its share. Exact where the weights, reduced by their common divisor, fit. Otherwise `limit` entries are dealt out by
 * largest remainder: shares are then off by less than one entry, but for those of the smallest weights, which have one at least.
 * `limit` is no less than the number of weights. Zeros come only among themselves and are alike.
 */
export function repetitions(weights: readonly number[], limit: number): readonly number[] {
  const total = sum(weights)
  if (total === 0) return weights.map(() => 1)
  const exact = weights.every(Number.isInteger) ? reduce(weights) : undefined
  return exact && sum(exact) <= limit ? exact : reduce(apportion(weights, limit))
}

/** Every weight gets one entry at least; the rest go by weight. */
function apportion(weights: readonly number[], limit: number): number[] {
  const entries = weights.map(() => 1)
  let seats = limit
  let open = weights.map((_, index) => index)
  // Those whose share is less than the entry that each has take no part in dealing out the rest.
  for (;;) {
    const total = sum(open.map((index) => weights[index]!))
    const above = open.filter((index) => weights[index]! * seats >= total)
    if (above.length === open.length) {
      deal(open, weights, seats / total, seats, entries)
      return entries
    }
    seats -= open.length - above.length
    open = above
  }
}

function deal(
  open: readonly number[],
  weights: readonly number[],
  rate: number,
  seats: number,
  entries: number[],
): void {
  const shares = open.map((index) => ({ index, share: weights[index]! * rate }))
  for (const { index, share } of shares) entries[index] = Math.floor(share)
  const left = seats - sum(open.map((index) => entries[index]!))
  shares.sort((a, b) => (b.share % 1) - (a.share % 1))
  for (const { index } of shares.slice(0, left)) entries[index]!++
}

function reduce(weights: readonly number[]): readonly number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0)
  return divisor > 1 ? weights.map((weight) => weight / divisor) : weights
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
