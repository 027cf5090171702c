import { Box, Text } from 'ink'
import type { Board, Section } from '../../top/board.js'
import { outlook, registryPhrase, subjectOf, trafficLine } from '../../top/headline.js'
import { sparkline } from '../bars.js'
import { cut, widthOf } from '../text-width.js'
import { Tinted } from './tinted.js'

const NARROWEST_TREND = 5
const WIDEST_TREND = 60
/** Some of what is looked at is worth more than the whole of the phrase on its right. */
const WIDEST_PHRASE = 40

export interface HeaderProps {
  readonly board: Board
  /** Those that are shown. */
  readonly sections: readonly Section[]
  /** What the person at the keyboard should keep in mind: paused, a filter, a sort. */
  readonly notes: readonly string[]
  readonly width: number
  readonly color: boolean
}

/** Three lines: what this is, how traffic goes, what to look out for. */
export function Header({ board, sections, notes, width, color }: HeaderProps) {
  const registry = registryPhrase(sections, board.sources)
  const phrase = cut(registry.text, WIDEST_PHRASE)
  const left = cut(` fairlead  ${subjectOf(sections, board)}`, Math.max(0, width - widthOf(phrase) - 2))
  return (
    <Box flexDirection="column" flexShrink={0}>
      <Text wrap="truncate">
        <Text bold>{left}</Text>
        {' '.repeat(Math.max(1, width - widthOf(left) - widthOf(phrase) - 1))}
        <Tinted tone={registry.tone} color={color}>
          {phrase}
        </Tinted>
      </Text>
      <TrafficLine sections={sections} width={width} />
      <OutlookLine {...{ board, sections, notes, width, color }} />
    </Box>
  )
}

function TrafficLine({ sections, width }: Pick<HeaderProps, 'sections' | 'width'>) {
  const { text, trend } = trafficLine(sections)
  const room = width - widthOf(text) - 4
  const graph = trend.length > 0 && room >= NARROWEST_TREND ? sparkline(trend, Math.min(WIDEST_TREND, room)) : ''
  return <Text wrap="truncate">{` ${cut(text, width - 1)}  ${graph.padStart(Math.max(0, room))}`.trimEnd()}</Text>
}

/** Warnings come first: what does not fit on the line is cut. */
function OutlookLine({ board, sections, notes, width, color }: HeaderProps) {
  const warnings = sections.flatMap((section) => section.warnings).join(' · ')
  const banner = board.banner === '' ? [] : [board.banner]
  const facts = [...banner, ...notes, ...outlook(sections)].join(' · ')
  const warned = cut(warnings, width - 1)
  const rest = [...(warned === '' ? [] : ['']), ...(facts === '' ? [] : [facts])].join(' · ')
  return (
    <Text wrap="truncate">
      {' '}
      <Tinted tone="bad" color={color} bold>
        {warned}
      </Tinted>
      {cut(rest, width - 1 - widthOf(warned))}
    </Text>
  )
}
