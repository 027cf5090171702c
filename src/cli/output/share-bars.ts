import type { PreviewShare } from '../../core/balancer/preview.js'
import { shareBar } from '../../tui/bars.js'
import { cellText, type Cell, type Table } from './document.js'

const GAP = 3
const NARROWEST = 10
const WIDEST = 40
const HEADING = '━ share, ╎ expected'

/**
 * The table with a bar behind each row that begins with an address of `shares`: the share, with a mark at the expected one, scaled to
 * the largest of all. As it is where the terminal has no room.
 */
export function withShareBars(table: Table, shares: readonly PreviewShare[], terminalColumns: number): Table {
  const used = table.columns.reduce((sum, heading, i) => {
    const texts = table.rows.map((row) => cellText(row[i]).length)
    return sum + texts.reduce((max, length) => Math.max(max, length), heading.length) + GAP
  }, 0)
  const width = Math.min(WIDEST, terminalColumns - used - 1)
  if (width < NARROWEST) return table
  const largest = shares.reduce((max, { share, expected }) => Math.max(max, share, expected), 0)
  const bars = new Map(shares.map((each) => [each.address, bar(each, largest, width)]))
  const rows = table.rows.map((row) => {
    const cell = bars.get(cellText(row[0]))
    return cell === undefined ? row : [...table.columns.map((_, i) => row[i]), cell]
  })
  return { ...table, columns: [...table.columns, width < HEADING.length ? '' : HEADING], rows }
}

function bar({ share, expected }: PreviewShare, largest: number, width: number): Cell {
  const { real, rest } = shareBar(share / largest, expected / largest, width)
  return [{ text: real, color: 'cyan' }, { text: rest.trimEnd() }]
}
