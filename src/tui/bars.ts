const LEVELS = '▁▂▃▄▅▆▇█'

/** A line of small columns, one per value, scaled to the largest. */
export function sparkline(values: readonly number[], width: number, highest = Math.max(...values, 0)): string {
  const columns = values.slice(-width).map((value) => {
    if (highest <= 0) return LEVELS[0]!
    return LEVELS[Math.min(LEVELS.length - 1, Math.round((value / highest) * (LEVELS.length - 1)))]!
  })
  return columns.join('').padStart(width)
}

export interface ShareBar {
  /** What is there: `━` up to the real share. */
  readonly real: string
  /** From the end of `real` to the width, with `╎` where the expected share ends (inside `real` when that is longer). */
  readonly rest: string
}

/** A bar of `width` columns for shares between 0 and 1, with a mark at the expected one. */
export function shareBar(share: number, expected: number, width: number): ShareBar {
  const filled = column(share, width)
  const mark = Math.min(width - 1, column(expected, width))
  const cells = Array.from({ length: width }, (_, i) => (i === mark ? '╎' : i < filled ? '━' : ' ')).join('')
  return { real: cells.slice(0, filled), rest: cells.slice(filled) }
}

function column(share: number, width: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * width)
}
