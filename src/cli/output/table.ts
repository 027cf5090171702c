import type { ChalkInstance } from 'chalk'
import { sanitize } from '../sanitize.js'
import { type Cell, cellText, type Painted, type Table } from './document.js'

const GAP = '   '
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/** A borderless table: upper-case headings, left-aligned columns. Ends without a line break. */
export async function tableText(table: Table, chalk: ChalkInstance): Promise<string> {
  const headings = table.columns.map((column) => sanitize(column).toUpperCase())
  const rows = table.rows.map((row) => table.columns.map((_, i) => safeText(row[i])))
  const width = await widthOf([headings, ...rows])
  const widths = headings.map((heading) => width(heading))
  for (const row of rows) row.forEach((text, i) => (widths[i] = Math.max(widths[i]!, width(text))))

  const line = (texts: readonly string[], paint: (text: string, column: number) => string) => {
    const last = texts.findLastIndex((text) => text !== '')
    return texts
      .slice(0, last + 1)
      .map((text, i) => paint(text, i) + (i === last ? '' : ' '.repeat(widths[i]! - width(text)) + GAP))
      .join('')
  }
  const lines = [line(headings, (text) => chalk.bold(text))]
  rows.forEach((row, r) => lines.push(line(row, (text, column) => painted(text, table.rows[r]![column], chalk))))
  return lines.join('\n')
}

/** The rows alone, cells separated by tabs. */
export function tabSeparated(table: Table): string[] {
  return table.rows.map((row) => row.map(safeText).join('\t'))
}

function painted(text: string, cell: Cell, chalk: ChalkInstance): string {
  if (typeof cell !== 'object') return text
  const paint = (part: Painted) => (part.color ? chalk[part.color](sanitize(part.text)) : sanitize(part.text))
  return 'text' in cell ? paint(cell) : cell.map(paint).join('')
}

function safeText(cell: Cell): string {
  return sanitize(cellText(cell))
}

/** How many columns a text takes. The tables of Unicode are loaded only where a text is not plain ASCII. */
async function widthOf(lines: readonly (readonly string[])[]): Promise<(text: string) => number> {
  if (lines.every((line) => line.every((text) => PRINTABLE_ASCII.test(text)))) return (text) => text.length
  const { default: stringWidth } = await import('string-width')
  return (text) => (PRINTABLE_ASCII.test(text) ? text.length : stringWidth(text))
}
