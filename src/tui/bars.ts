const LEVELS = '▁▂▃▄▅▆▇█'

/** A line of small columns, one per value, scaled to the largest; nothing where there is no value. */
export function sparkline(
  values: readonly (number | null)[],
  width: number,
  highest = values.slice(-width).reduce<number>((most, value) => Math.max(most, value ?? 0), 0),
): string {
  const columns = values.slice(-width).map((value) => {
    if (value === null) return ' '
    if (highest <= 0) return LEVELS[0]!
    return LEVELS[Math.min(LEVELS.length - 1, Math.round((value / highest) * (LEVELS.length - 1)))]!
  })
  return columns.join('').padStart(width)
}

export interface ShareBar {
  /** What is there: `━` up to the real share, `╸` where it ends in the middle of a column. */
  readonly real: string
  /** From the end of `real` to the width, with `╎` where the expected share ends (inside `real` when that is longer). */
  readonly rest: string
}

/** A bar of `width` columns for shares between 0 and `whole`, with a mark at the expected one. */
export function shareBar(share: number, expected: number, width: number, whole = 1): ShareBar {
  const halves = Math.round(part(share, whole) * width * 2)
  const filled = Math.ceil(halves / 2)
  const mark = Math.min(width - 1, Math.round(part(expected, whole) * width))
  const cells = Array.from({ length: width }, (_, i) => {
    if (i === mark) return '╎'
    if (i >= filled) return ' '
    return i === filled - 1 && halves % 2 === 1 ? '╸' : '━'
  }).join('')
  return { real: cells.slice(0, filled), rest: cells.slice(filled) }
}

function part(share: number, whole: number): number {
  return Math.min(1, Math.max(0, share / whole))
}

/** What a full bar stands for, so that the largest of `shares` is well to be seen: 1, or the next step above it. */
export function barScale(shares: Iterable<number>): number {
  let largest = 0
  for (const share of shares) largest = Math.max(largest, share)
  if (largest > 0.25 || largest <= 0) return 1
  let scale = 0.25
  for (const next of STEPS) if (next >= largest) scale = next
  return scale
}

const STEPS = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.0025, 0.001]
