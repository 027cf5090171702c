import type { Row } from '../../top/board.js'
import { age, millis, orDash, percentage, short } from '../../top/format.js'
import type { Sort } from '../../top/order.js'
import { shareBar, sparkline } from '../bars.js'
import { cut, cutMiddle, fit } from '../text-width.js'
import type { ColumnKey, Columns } from './columns.js'

/** A piece of a line; `tinted` in the colour of how the endpoint is. */
export interface Piece {
  readonly text: string
  readonly tinted: boolean
}

const SHORTEST_REASON = 10

/** The line of an endpoint in pieces, as few as can be: neighbours of one kind are one. `scale` is what a full bar stands for. */
export function rowPieces(row: Row, columns: Columns, scale: number): Piece[] {
  const pieces: { text: string; tinted: boolean }[] = []
  const add = (text: string, tinted: boolean) => {
    const last = pieces.at(-1)
    if (last?.tinted === tinted) last.text += text
    else if (text !== '') pieces.push({ text, tinted })
  }
  let first = true
  for (const [key, width] of columns) {
    if (!first) add(' ', false)
    first = false
    if (key === 'bar') {
      const bar = shareBar(row.share ?? row.expected, row.expected, width, scale)
      add(bar.real, true)
      add(bar.rest, false)
    } else if (key === 'status') {
      const word = head(row)
      const why = reason(row.why, width - word.length - 2)
      add(cut(word, width), true)
      add(why, false)
    } else {
      add(cell(key, width, row), false)
    }
  }
  return pieces
}

function cell(key: Exclude<ColumnKey, 'bar' | 'status'>, width: number, row: Row): string {
  const { traffic } = row
  switch (key) {
    case 'address':
      return fit(cutMiddle(row.address, width), width)
    case 'zone':
      return fit(row.zone, width)
    case 'weight':
      return fit(String(row.weight), width, 'right')
    case 'share':
      return fit(row.share === null ? `${percentage(row.expected)}%` : `${percentage(row.share)}%`, width, 'right')
    case 'rate':
      return number(traffic?.rate, short, width)
    case 'trend':
      return sparkline(row.rateTrend, width)
    case 'ok':
      return number(traffic?.success, percentage, width)
    case 'p50':
      return number(traffic?.p50Ms, millis, width)
    case 'p95':
      return number(traffic?.p95Ms, millis, width)
    case 'p99':
      return number(traffic?.p99Ms, millis, width)
    case 'latency':
      return sparkline(row.latencyTrend, width)
    case 'check':
      return number(row.checkMs, millis, width)
    case 'flight':
      return number(traffic?.inFlight, short, width)
  }
}

function number(value: number | null | undefined, text: (value: number) => string, width: number): string {
  return fit(orDash(value, text), width, 'right')
}

/** `ejected 21s` */
function head({ status, statusMs }: Row): string {
  return statusMs === undefined ? status : `${status} ${age(statusMs)}`
}

/** Behind the word, unless there is no room for a few words of it. */
function reason(why: string, room: number): string {
  return why === '' || room < Math.min(why.length, SHORTEST_REASON) ? '' : `  ${cut(why, room)}`
}

const TITLES: Readonly<Record<ColumnKey, string>> = {
  address: 'ENDPOINT',
  zone: 'ZONE',
  weight: 'W',
  bar: 'SHARE',
  share: '',
  rate: '/s',
  trend: 'TREND',
  ok: 'OK%',
  p50: 'P50',
  p95: 'P95',
  p99: 'P99',
  latency: 'P99 TREND',
  check: 'CHECK',
  flight: 'FLY',
  status: 'STATE',
}

const SORTED: Readonly<Partial<Record<Sort, ColumnKey>>> = {
  share: 'share',
  rate: 'rate',
  ok: 'ok',
  p99: 'p99',
  flight: 'flight',
  weight: 'weight',
  state: 'status',
}

const LEFT: ReadonlySet<ColumnKey> = new Set(['address', 'zone', 'bar', 'trend', 'latency', 'status'])

/** The head of the table. A mark stands in the column that the lines are sorted by. */
export function headText(columns: Columns, scale: number, hasTraffic: boolean, sort: Sort, reversed: boolean): string {
  const sorted = SORTED[sort]
  const cells = [...columns].map(([key, width]) => {
    const mark = key === sorted ? (reversed ? '▴' : '▾') : ''
    if (key === 'bar') return fit(legend(width, scale, hasTraffic), width)
    if (key === 'latency' && !hasTraffic) return fit('TREND', width)
    return fit(fitTitle(TITLES[key] + mark, width), width, LEFT.has(key) ? 'left' : 'right')
  })
  return cells.join(' ')
}

/** A title that has to lose something loses its end, not its mark. */
function fitTitle(title: string, width: number): string {
  return title.length <= width ? title : title.slice(-width)
}

function legend(width: number, scale: number, hasTraffic: boolean): string {
  const of = scale === 1 ? '' : ` of ${percentage(scale, scale < 0.01 ? 2 : scale < 0.1 ? 1 : 0)}%`
  const name = hasTraffic ? 'SHARE' : 'EXPECTED'
  const texts = [`${name}${of} ━ real ╎ expected`, `${name}${of} ╎ expected`, `${name}${of}`, `━${of}`]
  const shown = hasTraffic ? texts : [texts[2]!, texts[3]!]
  return shown.find((text) => text.length <= width) ?? ''
}
