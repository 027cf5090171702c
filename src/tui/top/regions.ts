/** How the rows of the terminal are shared out below the three of the header. */
export interface Regions {
  /** Between the parts. */
  readonly hasGaps: boolean
  /** Lines of the table below its head. */
  readonly table: number
  readonly events: number
  /** What help and inspector have in place of table and events. */
  readonly page: number
}

const HEADER = 3
const FOOTER = 1
const TABLE_HEAD = 1

/** The table gets what it has lines for; events get the rest, and a few lines in any case where there is room. */
export function regionsOf(rows: number, lines: number): Regions {
  const hasGaps = rows >= 16
  const page = Math.max(0, rows - HEADER - FOOTER - (hasGaps ? 2 : 0))
  const room = Math.max(1, page - TABLE_HEAD - (hasGaps ? 1 : 0))
  const least = rows >= 40 ? 8 : rows >= 20 ? 4 : rows >= 12 ? 2 : 0
  const table = Math.max(1, Math.min(Math.max(lines, 1), room - least))
  return { hasGaps, table, events: Math.max(0, room - table), page }
}
