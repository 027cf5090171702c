import { Box, Text } from 'ink'
import type { EventLine } from '../../top/board.js'
import { timeOfDay } from '../../top/format.js'
import { cut, fit } from '../text-width.js'
import { Tinted } from './tinted.js'

const WORD_WIDTH = 9
const SUBJECT_WIDTH = 21

export interface EventListProps {
  /** Oldest first; the latest are shown, the last at the bottom. */
  readonly events: readonly EventLine[]
  readonly width: number
  readonly height: number
  readonly color: boolean
}

/** What happened lately. */
export function EventList({ events, width, height, color }: EventListProps) {
  const shown = height > 0 ? events.slice(-height) : []
  const subject = Math.min(SUBJECT_WIDTH, Math.max(...shown.map((event) => event.subject.length), 0))
  return (
    <Box flexDirection="column" height={height} flexShrink={0}>
      {shown.map((event) => (
        <Text key={event.key} wrap="truncate">
          <Text dimColor>{` ${timeOfDay(event.at)} `}</Text>
          <Tinted tone={event.tone} color={color}>
            {fit(event.word, WORD_WIDTH)}
          </Tinted>
          {cut(` ${fit(event.subject, subject)}  ${event.text}`, width - WORD_WIDTH - 10)}
        </Text>
      ))}
    </Box>
  )
}
