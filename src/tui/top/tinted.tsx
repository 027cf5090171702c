import { Text } from 'ink'
import type { EventLine } from '../../top/board.js'

/** Of the sixteen colours that every terminal has. */
const COLORS: Readonly<Record<EventLine['tone'], string | undefined>> = {
  good: 'green',
  warming: 'cyan',
  resting: 'yellow',
  bad: 'red',
  gone: 'gray',
  neutral: undefined,
}

export interface TintedProps {
  readonly tone: EventLine['tone']
  /** Whether to use colours at all. */
  readonly color: boolean
  readonly bold?: boolean
  readonly children: string
}

export function Tinted({ tone, color, bold = false, children }: TintedProps) {
  const tint = color ? COLORS[tone] : undefined
  return (
    <Text {...(tint === undefined ? {} : { color: tint })} bold={bold}>
      {children}
    </Text>
  )
}
