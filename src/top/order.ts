import type { Board, Row, Section } from './board.js'

/** What rows can be sorted by, in the order that the key goes through them. `listed` is as the registry lists them. */
export const SORTS = ['listed', 'share', 'rate', 'ok', 'p99', 'flight', 'weight', 'state'] as const
export type Sort = (typeof SORTS)[number]

/** A line of the table: a service, above its endpoints where several are shown, or an endpoint. */
export type Line =
  | { readonly kind: 'section'; readonly key: string; readonly section: Section }
  | { readonly kind: 'row'; readonly key: string; readonly section: Section; readonly row: Row }

export interface Selection {
  /** The key of the one section that is shown; undefined for all. */
  readonly focus: string | undefined
  readonly sort: Sort
  readonly reversed: boolean
  /** Words that must all be found in an endpoint. */
  readonly filter: string
}

/** The sections that are shown: all, where the one that is asked for is not there. */
export function shownSections(board: Board, focus: string | undefined): readonly Section[] {
  const focused = board.sections.filter(({ key }) => key === focus)
  return focused.length > 0 ? focused : board.sections
}

/** The lines of the table, from top to bottom. */
export function linesOf(board: Board, { focus, sort, reversed, filter }: Selection): Line[] {
  const sections = shownSections(board, focus)
  return sections.flatMap((section): Line[] => {
    const rows = sortRows(section.rows.filter(matcher(filter, section)), sort, reversed)
    const lines = rows.map((row): Line => ({ kind: 'row', key: row.key, section, row }))
    return sections.length > 1 ? [{ kind: 'section', key: section.key, section }, ...lines] : lines
  })
}

const TONES = ['bad', 'warming', 'resting', 'gone', 'good'] as const

/** Most of it first, and what is not known last either way; for `ok` and `state` the worst first. */
const BY: Readonly<Record<Exclude<Sort, 'listed'>, (row: Row) => number | null>> = {
  share: (row) => row.share ?? row.expected,
  rate: (row) => row.traffic?.rate ?? null,
  ok: (row) => (typeof row.traffic?.success === 'number' ? -row.traffic.success : null),
  p99: (row) => row.traffic?.p99Ms ?? row.checkMs,
  flight: (row) => row.traffic?.inFlight ?? null,
  weight: (row) => row.weight,
  state: (row) => -TONES.indexOf(row.tone),
}

function sortRows(rows: readonly Row[], sort: Sort, reversed: boolean): readonly Row[] {
  if (sort === 'listed') return reversed ? rows.toReversed() : rows
  const by = BY[sort]
  return rows.toSorted((a, b) => {
    const [x, y] = [by(a), by(b)]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    return reversed ? x - y : y - x
  })
}

function matcher(filter: string, { service }: Section): (row: Row) => boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return () => true
  return (row) => {
    const text = `${row.address} ${row.zone} ${row.status} ${service}`.toLowerCase()
    return words.every((word) => text.includes(word))
  }
}

/** The first of `height` lines to show so that `selected` is among them, near the middle where there is a choice. */
export function firstShown(count: number, selected: number, height: number): number {
  return Math.max(0, Math.min(selected - Math.floor(height / 2), count - height))
}
