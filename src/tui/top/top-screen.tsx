import { Box, Text, useInput } from 'ink'
import { useRef, useState, useSyncExternalStore } from 'react'
import type { Board } from '../../top/board.js'
import { type Effect, FIRST_VIEW, press, type Scene, selectedIndex, type ViewState } from '../../top/keys.js'
import { linesOf, shownSections } from '../../top/order.js'
import { EndpointTable } from './endpoint-table.js'
import { EventList } from './event-list.js'
import { Footer } from './footer.js'
import { Header } from './header.js'
import { Help } from './help.js'
import { Inspector } from './inspector.js'
import { keysOf } from './key-names.js'
import { regionsOf } from './regions.js'

export interface TopScreenProps {
  /** The board published last, and how to hear of the next. */
  readonly board: () => Board
  readonly subscribe: (listener: () => void) => () => void
  readonly columns: number
  readonly rows: number
  /** Without colour only text and brightness tell. */
  readonly color: boolean
  readonly onEffect: (effect: Effect) => void
  /** Called on Ctrl-Z. */
  readonly onSuspend: () => void
}

/** The live view: draws each new board, and at once what a key changes. */
export function TopScreen({ board, subscribe, columns, rows, color, onEffect, onSuspend }: TopScreenProps) {
  const live = useSyncExternalStore(subscribe, board)
  const [view, setView] = useState(FIRST_VIEW)
  // Keys can come faster than frames: each goes by what the one before left.
  const latest = useRef(view)
  useInput((input, inkKey) => {
    if (inkKey.ctrl && input === 'z') return onSuspend()
    const keys = keysOf(input, inkKey)
    for (const key of keys) {
      // What comes in one piece may have been pasted: no question is answered by it.
      if (keys.length > 1 && latest.current.prompt?.kind === 'confirm') break
      const pressed = press(latest.current, key, sceneOf(latest.current, live, rows))
      latest.current = pressed.view
      if (pressed.effect) onEffect(pressed.effect)
    }
    setView(latest.current)
  })
  return <Frame view={view} scene={sceneOf(view, live, rows)} columns={columns} rows={rows} color={color} />
}

function sceneOf(view: ViewState, live: Board, rows: number): Scene {
  const board = view.paused ?? live
  const lines = linesOf(board, view)
  return { board, lines, page: regionsOf(rows, lines.length).table }
}

interface FrameProps {
  readonly view: ViewState
  readonly scene: Scene
  readonly columns: number
  readonly rows: number
  readonly color: boolean
}

function Frame({ view, scene, columns, rows, color }: FrameProps) {
  const { board, lines } = scene
  const sections = shownSections(board, view.focus)
  const { hasGaps, table, events, page } = regionsOf(rows, lines.length)
  const selected = selectedIndex(view, lines)
  return (
    <Box flexDirection="column" width={columns} height={rows} overflow="hidden">
      <Header board={board} sections={sections} notes={notesOf(view, lines.length)} width={columns} color={color} />
      {hasGaps && <Text> </Text>}
      <Box flexDirection="column" height={page} flexShrink={0} overflow="hidden">
        <Body {...{ view, scene, sections, selected, table, events, page, hasGaps, columns, color }} />
      </Box>
      {hasGaps && <Text> </Text>}
      <Footer view={view} hasServices={board.sections.length > 1} width={columns} />
    </Box>
  )
}

interface BodyProps extends Pick<FrameProps, 'view' | 'scene' | 'columns' | 'color'> {
  readonly sections: ReturnType<typeof shownSections>
  readonly selected: number
  readonly table: number
  readonly events: number
  readonly page: number
  readonly hasGaps: boolean
}

function Body({ view, scene, sections, selected, table, events, page, hasGaps, columns, color }: BodyProps) {
  const { board, lines } = scene
  const line = lines[selected]
  if (view.page === 'help') return <Help height={page} />
  if (view.page === 'inspect' && line?.kind === 'row') {
    return <Inspector row={line.row} events={board.events} width={columns} height={page} color={color} />
  }
  return (
    <>
      <EndpointTable
        {...{ sections, lines, selected, color }}
        sort={view.sort}
        reversed={view.reversed}
        width={columns}
        height={table}
      />
      {hasGaps && <Text> </Text>}
      <EventList events={board.events} width={columns} height={events} color={color} />
    </>
  )
}

function notesOf({ paused, filter, sort, reversed }: ViewState, lines: number): string[] {
  return [
    ...(filter === '' ? [] : [`filter "${filter}"${lines === 0 ? ' finds nothing' : ''}`]),
    ...(sort === 'listed' && !reversed ? [] : [`by ${sort}${reversed ? ' reversed' : ''}`]),
    ...(paused ? ['paused'] : []),
  ]
}
