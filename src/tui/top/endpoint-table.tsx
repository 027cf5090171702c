import { Box, Text } from 'ink'
import type { EventLine, Section } from '../../top/board.js'
import { millis, orDash, percentage, short } from '../../top/format.js'
import { firstShown, type Line, type Sort } from '../../top/order.js'
import { barScale } from '../bars.js'
import { cut } from '../text-width.js'
import { headText, type Piece, rowPieces } from './cells.js'
import { columnsFor, widestOf } from './columns.js'
import { Tinted } from './tinted.js'

export interface EndpointTableProps {
  readonly sections: readonly Section[]
  readonly lines: readonly Line[]
  readonly selected: number
  readonly sort: Sort
  readonly reversed: boolean
  readonly width: number
  /** Lines below the head. Only those that fit are made. */
  readonly height: number
  readonly color: boolean
}

/** The endpoints, those around the selected one where there is no room for all. */
export function EndpointTable(props: EndpointTableProps) {
  const { sections, lines, selected, sort, reversed, width, height, color } = props
  const hasTraffic = sections.some(({ traffic }) => traffic !== undefined)
  const columns = columnsFor(width, hasTraffic, widestOf(sections))
  const scale = barScale(sharesOf(sections))
  const first = firstShown(lines.length, selected, height)
  return (
    <Box flexDirection="column" flexShrink={0}>
      <Text dimColor wrap="truncate">
        {` ${headText(columns, scale, hasTraffic, sort, reversed)}`}
      </Text>
      {lines.length === 0 && <Text dimColor> nothing to show yet</Text>}
      {lines.slice(first, first + height).map((line, i) => {
        const isSelected = first + i === selected
        return line.kind === 'section' ? (
          <SectionLine key={line.key} section={line.section} isSelected={isSelected} width={width} />
        ) : (
          <RowLine
            key={line.key}
            pieces={rowPieces(line.row, columns, scale)}
            tone={line.section.source.state === 'away' ? 'gone' : line.row.tone}
            isSelected={isSelected}
            color={color}
          />
        )
      })}
    </Box>
  )
}

function* sharesOf(sections: readonly Section[]): Generator<number> {
  for (const { rows } of sections) {
    for (const { share, expected } of rows) yield Math.max(share ?? 0, expected)
  }
}

interface RowLineProps {
  readonly pieces: readonly Piece[]
  readonly tone: EventLine['tone']
  readonly isSelected: boolean
  readonly color: boolean
}

function RowLine({ pieces, tone, isSelected, color }: RowLineProps) {
  return (
    <Text wrap="truncate" bold={isSelected} dimColor={tone === 'gone' && !isSelected}>
      {isSelected ? '▸' : ' '}
      {pieces.map(({ text, tinted }, i) =>
        tinted ? (
          <Tinted key={i} tone={tone} color={color} bold={isSelected}>
            {text}
          </Tinted>
        ) : (
          text
        ),
      )}
    </Text>
  )
}

interface SectionLineProps {
  readonly section: Section
  readonly isSelected: boolean
  readonly width: number
}

/** A service above its endpoints. */
function SectionLine({ section, isSelected, width }: SectionLineProps) {
  const { service, listen, eligible, total, traffic } = section
  const figures = traffic
    ? [
        `${short(traffic.rate)}/s`,
        `ok ${orDash(traffic.success, (part) => `${percentage(part)}%`)}`,
        `p99 ${orDash(traffic.p99Ms, (ms) => `${millis(ms)} ms`)}`,
      ]
    : []
  const text = [service, ...(listen === '' ? [] : [listen]), ...figures, `${eligible} of ${total} in use`].join('  ')
  return (
    <Text wrap="truncate" bold underline={!isSelected}>
      {`${isSelected ? '▸' : ' '}${cut(text, width - 1)}`}
    </Text>
  )
}
