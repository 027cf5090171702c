/** What a command has to say, in every form it can be asked for. Strings may come from anywhere: rendering escapes them. */
export interface Document {
  /** The answer for programs. `schemaVersion` is added. bigint becomes a string; undefined members are left out. */
  readonly json: JsonObject
  /** One line each with `-o ndjson`; default: the whole of `json` on one line. */
  readonly ndjson?: readonly JsonObject[]
  /** For people. Without one `text` is printed. */
  readonly table?: Table
  /** Default `table`. */
  readonly wide?: Table
  /** What `table`, `wide` and `plain` print where the answer is no table: lines, unsafe characters written out. */
  readonly text?: string
  /** Bare lines for shells; default: the table's rows without a heading, cells separated by tabs. */
  readonly plain?: readonly string[]
}

export type JsonObject = Readonly<Record<string, unknown>>

export interface Table {
  /** Headings; they are printed in upper case. */
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** Printed instead of an empty table, to stderr. */
  readonly empty?: string
}

/** undefined shows as `-`. */
export type Cell = string | number | bigint | undefined | Painted | readonly Painted[]

export interface Painted {
  readonly text: string
  readonly color?: Color
}

/** A cell as it stands there, without its colours and not yet safe to look at. */
export function cellText(cell: Cell): string {
  if (cell === undefined || cell === '') return '-'
  if (typeof cell !== 'object') return String(cell)
  return 'text' in cell ? cell.text : cell.map(({ text }) => text).join('')
}

export type Color = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold'

export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'ndjson', 'plain', 'yaml'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]
