import { Box, Text } from 'ink'
import type { EventLine, Row } from '../../top/board.js'
import { factsOf } from '../../top/facts.js'
import { age, millis, orDash, percentage, short } from '../../top/format.js'
import { barScale, shareBar, sparkline } from '../bars.js'
import { cut, fit, widthOf } from '../text-width.js'
import { EventList } from './event-list.js'
import { Tinted } from './tinted.js'

const NAME_WIDTH = 13
const WIDEST_BAR = 60

export interface InspectorProps {
  readonly row: Row
  readonly events: readonly EventLine[]
  readonly width: number
  readonly height: number
  readonly color: boolean
}

/** One endpoint from nearby. */
export function Inspector({ row, events, width, height, color }: InspectorProps) {
  const bar = Math.max(10, Math.min(WIDEST_BAR, width - 46))
  const lines = [...graphs(row, bar), ...factsOf(row)]
  const room = Math.max(0, height - 2 - lines.length - 1)
  const own = events.filter(({ subject }) => subject === row.address)
  return (
    <Box flexDirection="column" height={height} overflow="hidden">
      <Text wrap="truncate">
        <Text bold>{` ${row.address}  `}</Text>
        <Tinted tone={row.tone} color={color} bold>
          {row.status}
        </Tinted>
        {cut(
          `${row.statusMs === undefined ? '' : ` for ${age(row.statusMs)}`}  ${row.why}`,
          width - widthOf(row.address) - widthOf(row.status) - 3,
        )}
      </Text>
      <Text> </Text>
      {lines.slice(0, Math.max(0, height - 2)).map(([name, value]) => (
        <Text key={name} wrap="truncate">
          <Text dimColor>{` ${fit(name, NAME_WIDTH)}`}</Text>
          {cut(value, width - NAME_WIDTH - 1)}
        </Text>
      ))}
      <Text> </Text>
      <EventList events={own} width={width} height={room} color={color} />
    </Box>
  )
}

function graphs(row: Row, width: number): (readonly [string, string])[] {
  const { share, expected, traffic, checkMs } = row
  if (!traffic) {
    return [
      ['expected', `${percentage(expected)}% by weight`],
      ['check', `${sparkline(row.latencyTrend, width)}  ${orDash(checkMs, (ms) => `${millis(ms)} ms`)}`],
    ]
  }
  const bar = shareBar(share ?? 0, expected, width, barScale([Math.max(share ?? 0, expected)]))
  const ms = (value: number | null) => orDash(value, millis)
  const success = orDash(traffic.success, (part) => `${percentage(part, 2)}%`)
  return [
    ['share', `${bar.real}${bar.rest}  ${percentage(share ?? 0)}% of ${percentage(expected)}% expected`],
    ['rate', `${sparkline(row.rateTrend, width)}  ${short(traffic.rate)}/s · ${short(traffic.inFlight)} in flight`],
    ['p99', `${sparkline(row.latencyTrend, width)}  ${ms(traffic.p99Ms)} ms`],
    ['', `${''.padEnd(width)}  p50 ${ms(traffic.p50Ms)} · p95 ${ms(traffic.p95Ms)} ms`],
    ['success', success],
  ]
}
