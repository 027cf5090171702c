import { cellText, type Table } from '../output/document.js'
import { sanitize } from '../sanitize.js'

/** What a summary holds of a table: GitHub drops one that is larger than 1 MiB as a whole. */
const MOST_ROWS = 500
const MOST_CHARS_PER_CELL = 300

/** A table in GitHub's Markdown below a heading, a command line as a rule. Nothing in it is Markdown or HTML of its own. */
export function markdownTable(heading: string, { columns, rows, empty }: Table): string {
  const lines = [`### <code>${escapeHtml(sanitize(heading))}</code>`, '']
  if (rows.length === 0) return [...lines, escapeText(empty ?? 'nothing'), '', ''].join('\n')
  lines.push(row(columns.map(escapeText)), row(columns.map(() => '---')))
  for (const cells of rows.slice(0, MOST_ROWS)) {
    lines.push(row(columns.map((_, i) => escapeText(shortened(sanitize(cellText(cells[i])))))))
  }
  if (rows.length > MOST_ROWS) lines.push('', `… and ${rows.length - MOST_ROWS} more`)
  return [...lines, '', ''].join('\n')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function shortened(text: string): string {
  return text.length > MOST_CHARS_PER_CELL ? `${text.slice(0, MOST_CHARS_PER_CELL)}…` : text
}

function escapeText(text: string): string {
  return escapeHtml(text).replace(/[\\`*_[\]|~]/g, '\\$&')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
