import { Box, Text, useInput } from 'ink'
import type { DemoEvent, DemoView, EndpointPhase, EndpointView } from '../demo/state.js'
import { count, percent } from '../demo/text.js'
import { shareBar, sparkline } from './bars.js'

/** What the columns other than the bar take. */
const OTHER_COLUMNS = 62
const WIDEST_BAR = 48
const TREND_WIDTH = 8
/** Lines that are neither endpoints nor events: two of head, the table's head, a blank on either side of the table, the keys. */
const FIXED_LINES = 6

export interface DemoScreenProps {
  readonly view: DemoView
  readonly columns: number
  readonly rows: number
  /** Without colour only text and brightness tell. */
  readonly color: boolean
  readonly onQuit: () => void
}

/** A running demo on one screen, a row shorter than the terminal: a frame of full height would make it scroll. */
export function DemoScreen({ view, columns, rows, color, onQuit }: DemoScreenProps) {
  useInput((input, key) => {
    if (input === 'q' || (key.ctrl && input === 'c')) onQuit()
  })
  const barWidth = Math.max(1, Math.min(WIDEST_BAR, columns - OTHER_COLUMNS))
  const room = Math.max(0, rows - 1 - FIXED_LINES - view.endpoints.length)
  return (
    <Box flexDirection="column" width={columns} height={rows - 1} paddingX={1} overflow="hidden">
      <Head view={view} color={color} />
      <Box flexDirection="column" flexShrink={0} marginY={1}>
        <Text dimColor wrap="truncate">
          {tableHead(barWidth)}
        </Text>
        {view.endpoints.map((endpoint) => (
          <EndpointLine key={endpoint.address} endpoint={endpoint} barWidth={barWidth} color={color} />
        ))}
      </Box>
      <Box flexDirection="column" flexGrow={1}>
        {view.events.slice(view.events.length - Math.min(room, view.events.length)).map((event) => (
          <EventLine key={`${event.atMs} ${event.text}`} event={event} color={color} />
        ))}
      </Box>
      <Text dimColor>q quit</Text>
    </Box>
  )
}

function Head({ view, color }: { readonly view: DemoView; readonly color: boolean }) {
  const where = view.proxy ? `tcp://${view.proxy} -> ${view.service}` : 'starting'
  const time = `${wholeSeconds(view.loadMs)} of ${wholeSeconds(view.durationMs)}`
  return (
    <Box flexDirection="column" flexShrink={0}>
      <Box justifyContent="space-between">
        <Text wrap="truncate">
          <Text bold>fairlead demo</Text> {where}
        </Text>
        <Text dimColor>{time}</Text>
      </Box>
      <Text wrap="truncate">
        {`${count(view.rate)}/s  ${count(view.requests)} requests  `}
        <Tinted color={view.failed > 0 ? 'red' : 'green'} on={color}>
          {`${count(view.failed)} failed`}
        </Tinted>
      </Text>
    </Box>
  )
}

function tableHead(barWidth: number): string {
  const legend = 'SHARE ━ real ╎ expected'.padEnd(barWidth + 7).slice(0, barWidth + 7)
  return `${'ENDPOINT'.padEnd(16)} W  ${legend}${'/s'.padStart(5)}  ${'TREND'.padEnd(TREND_WIDTH)}REQUESTS  STATE`
}

interface EndpointLineProps {
  readonly endpoint: EndpointView
  readonly barWidth: number
  readonly color: boolean
}

function EndpointLine({ endpoint, barWidth, color }: EndpointLineProps) {
  const { address, weight, recent, rate, trend, total, phase } = endpoint
  const bar = shareBar(recent.share, recent.expected, barWidth)
  return (
    <Text wrap="truncate">
      {`${address.padEnd(16)}${String(weight).padStart(2)}  `}
      <Tinted color={PHASE_COLORS[phase]} on={color}>
        {bar.real}
      </Tinted>
      {`${bar.rest}${percent(recent.share).padStart(7)}${count(rate).padStart(5)}  `}
      {`${sparkline(trend, TREND_WIDTH)}${count(total.requests).padStart(8)}  `}
      <Tinted color={PHASE_COLORS[phase]} on={color}>
        {phase}
      </Tinted>
    </Text>
  )
}

function EventLine({ event, color }: { readonly event: DemoEvent; readonly color: boolean }) {
  return (
    <Text wrap="truncate">
      <Text dimColor>{`${(event.atMs / 1000).toFixed(1).padStart(5)}s  `}</Text>
      <Tinted color={event.kind === 'failed' ? 'red' : 'cyan'} on={color}>
        {event.kind.padEnd(8)}
      </Tinted>
      {`  ${event.text}`}
    </Text>
  )
}

const PHASE_COLORS: Readonly<Record<EndpointPhase, string>> = {
  starting: 'yellow',
  ready: 'green',
  leaving: 'yellow',
  away: 'red',
}

interface TintedProps {
  readonly color: string
  readonly on: boolean
  readonly children: string
}

function Tinted({ color, on, children }: TintedProps) {
  return on ? <Text color={color}>{children}</Text> : <Text>{children}</Text>
}

function wholeSeconds(ms: number): string {
  return `${Math.floor(ms / 1000)}s`
}
