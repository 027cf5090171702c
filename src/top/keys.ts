import type { Board } from './board.js'
import { type Line, type Selection, shownSections, SORTS } from './order.js'

/** A key by its name, or a character. */
export type Key =
  | { readonly name: 'up' | 'down' | 'pageUp' | 'pageDown' | 'home' | 'end' | 'enter' | 'escape' | 'tab' | 'backTab' }
  | { readonly name: 'backspace' | 'interrupt' }
  | { readonly name: 'character'; readonly character: string }

/** What is shown below the header. */
export type Page = 'table' | 'inspect' | 'help'

/** What is being asked for; keys answer it. */
export type Prompt =
  | { readonly kind: 'filter' }
  /** The new weight of an endpoint. */
  | { readonly kind: 'weight'; readonly target: Target; readonly text: string }
  /** Whether to do it. */
  | { readonly kind: 'confirm'; readonly change: Change }

export interface Target {
  readonly source: string
  readonly service: string
  readonly address: string
  readonly weight: number
}

export interface Change extends Target {
  readonly to: { readonly state: 'ready' | 'drain' } | { readonly weight: number }
}

/** What the person at the keyboard made of the view. */
export interface ViewState extends Selection {
  readonly page: Page
  readonly prompt: Prompt | undefined
  /** The key of the selected line, and where it stood last: who leaves hands the selection to the line that takes the place. */
  readonly selected: string | undefined
  readonly position: number
  /** What stands still on the screen; undefined while it moves. */
  readonly paused: Board | undefined
  /** A word on the key pressed last; empty where there is none. */
  readonly hint: string
}

export const FIRST_VIEW: ViewState = {
  page: 'table',
  prompt: undefined,
  focus: undefined,
  sort: 'listed',
  reversed: false,
  filter: '',
  selected: undefined,
  position: 0,
  paused: undefined,
  hint: '',
}

/** What a key is pressed in front of. */
export interface Scene {
  readonly board: Board
  readonly lines: readonly Line[]
  /** How many lines the table has room for. */
  readonly page: number
}

export type Effect = { readonly kind: 'quit' } | { readonly kind: 'change'; readonly change: Change }

export interface Pressed {
  readonly view: ViewState
  readonly effect?: Effect
}

/** Where the selection is among `lines`. */
export function selectedIndex({ selected, position }: ViewState, lines: readonly Line[]): number {
  const index = lines.findIndex(({ key }) => key === selected)
  return index >= 0 ? index : Math.max(0, Math.min(position, lines.length - 1))
}

/** What a key does. Pure: the same key in front of the same scene does the same. */
export function press(view: ViewState, key: Key, scene: Scene): Pressed {
  if (key.name === 'interrupt') return { view, effect: { kind: 'quit' } }
  const calm = view.hint === '' ? view : { ...view, hint: '' }
  switch (calm.prompt?.kind) {
    case 'filter':
      return { view: pressInFilter(calm, key) }
    case 'weight':
      return { view: pressInWeight(calm, calm.prompt, key) }
    case 'confirm':
      return pressInConfirm(calm, calm.prompt.change, key)
    case undefined:
      return pressOnPage(calm, key, scene)
  }
}

function pressOnPage(view: ViewState, key: Key, scene: Scene): Pressed {
  const isQuit = key.name === 'character' && key.character === 'q'
  if (view.page === 'help' && !isQuit) return { view: { ...view, page: 'table' } }
  if (view.page === 'inspect' && (key.name === 'escape' || key.name === 'enter'))
    return { view: { ...view, page: 'table' } }
  return pressInTable(view, key, scene)
}

function pressInTable(view: ViewState, key: Key, scene: Scene): Pressed {
  const index = selectedIndex(view, scene.lines)
  const to = (target: number) => ({ view: select(view, scene.lines, target) })
  switch (key.name) {
    case 'up':
      return to(index - 1)
    case 'down':
      return to(index + 1)
    case 'pageUp':
      return to(index - scene.page)
    case 'pageDown':
      return to(index + scene.page)
    case 'home':
      return to(0)
    case 'end':
      return to(scene.lines.length - 1)
    case 'tab':
      return { view: focusNext(view, scene.board, 1) }
    case 'backTab':
      return { view: focusNext(view, scene.board, -1) }
    case 'enter':
      return { view: enter(view, scene.lines[index]) }
    case 'escape':
      return { view: { ...view, filter: '', focus: undefined } }
    case 'character':
      return pressCharacter(view, key.character, scene, index)
    default:
      return { view }
  }
}

function pressCharacter(view: ViewState, character: string, scene: Scene, index: number): Pressed {
  switch (character) {
    case 'q':
      return quit(view)
    case 'k':
      return { view: select(view, scene.lines, index - 1) }
    case 'j':
      return { view: select(view, scene.lines, index + 1) }
    case 'g':
      return { view: select(view, scene.lines, 0) }
    case 'G':
      return { view: select(view, scene.lines, scene.lines.length - 1) }
    case 's':
      return { view: { ...view, sort: SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length]!, reversed: false } }
    case 'S':
      return { view: { ...view, reversed: !view.reversed } }
    case '/':
      return { view: ask(view, { kind: 'filter' }) }
    case '?':
    case 'h':
      return { view: { ...view, page: 'help' } }
    case 'p':
    case ' ':
      return { view: { ...view, paused: view.paused ? undefined : scene.board } }
    case 'd':
    case 'r':
    case 'w':
      return { view: askChange(view, character, scene.lines[index]) }
    default:
      return { view }
  }
}

/** Drain, ready and weight are asked for before they are done. */
function askChange(view: ViewState, key: 'd' | 'r' | 'w', line: Line | undefined): ViewState {
  if (line?.kind !== 'row') return { ...view, hint: 'select an endpoint first' }
  const { section, row } = line
  if (section.registry === 'static')
    return { ...view, hint: `${section.service} is a fixed list: there is no record to change` }
  if (!section.changeable) return { ...view, hint: 'this proxy does not let its registry be changed from here' }
  const target = { source: section.source.name, service: section.service, address: row.address, weight: row.weight }
  if (key === 'w') return ask(view, { kind: 'weight', target, text: '' })
  return ask(view, { kind: 'confirm', change: { ...target, to: { state: key === 'd' ? 'drain' : 'ready' } } })
}

function pressInConfirm(view: ViewState, change: Change, key: Key): Pressed {
  const over = ask(view, undefined)
  const isYes = key.name === 'character' && (key.character === 'y' || key.character === 'Y')
  return isYes ? { view: over, effect: { kind: 'change', change } } : { view: over }
}

function pressInWeight(view: ViewState, prompt: Prompt & { kind: 'weight' }, key: Key): ViewState {
  switch (key.name) {
    case 'escape':
      return ask(view, undefined)
    case 'backspace':
      return ask(view, { ...prompt, text: prompt.text.slice(0, -1) })
    case 'enter': {
      const weight = Number(prompt.text)
      if (prompt.text === '' || weight > 1000) return { ...view, hint: 'a weight is 0 to 1000' }
      return ask(view, { kind: 'confirm', change: { ...prompt.target, to: { weight } } })
    }
    case 'character':
      if (!/^\d$/.test(key.character) || prompt.text.length === 4) return view
      return ask(view, { ...prompt, text: prompt.text + key.character })
    default:
      return view
  }
}

/** The table follows each letter. */
function pressInFilter(view: ViewState, key: Key): ViewState {
  switch (key.name) {
    case 'enter':
      return ask(view, undefined)
    case 'escape':
      return { ...ask(view, undefined), filter: '' }
    case 'backspace':
      return { ...view, filter: view.filter.slice(0, -1) }
    case 'character':
      return { ...view, filter: (view.filter + key.character).slice(0, 64) }
    default:
      return view
  }
}

/** A service is shown alone, an endpoint from nearby. */
function enter(view: ViewState, line: Line | undefined): ViewState {
  if (!line) return view
  if (line.kind === 'row') return { ...view, page: 'inspect', selected: line.key }
  return { ...view, focus: line.key, selected: undefined, position: 0 }
}

/** All, then each service by itself, and round again. */
function focusNext(view: ViewState, board: Board, step: 1 | -1): ViewState {
  const stops = [undefined, ...board.sections.map(({ key }) => key)]
  if (stops.length <= 2) return view
  const shown = shownSections(board, view.focus)
  const index = shown.length > 1 ? 0 : stops.indexOf(shown[0]!.key)
  const focus = stops[(index + step + stops.length) % stops.length]
  return { ...ask(view, undefined), focus, selected: undefined, position: 0 }
}

function select(view: ViewState, lines: readonly Line[], target: number): ViewState {
  const position = Math.max(0, Math.min(target, lines.length - 1))
  return { ...view, selected: lines[position]?.key, position }
}

function ask(view: ViewState, prompt: Prompt | undefined): ViewState {
  return { ...view, prompt }
}

function quit(view: ViewState): Pressed {
  return { view, effect: { kind: 'quit' } }
}
