import { describe, expect, it } from 'vitest'
import type { Board } from '../../src/top/board.js'
import { type Effect, FIRST_VIEW, type Key, press, selectedIndex, type ViewState } from '../../src/top/keys.js'
import { linesOf } from '../../src/top/order.js'
import { boardOf, ONE, sectionsOf, TWO } from './support/boards.js'
import { adminState, busyListener } from './support/states.js'

const NAMED: Readonly<Record<string, Key>> = {
  '↑': { name: 'up' },
  '↓': { name: 'down' },
  '⇟': { name: 'pageDown' },
  '⇞': { name: 'pageUp' },
  '⏎': { name: 'enter' },
  '⎋': { name: 'escape' },
  '⇥': { name: 'tab' },
  '⇤': { name: 'backTab' },
  '⌫': { name: 'backspace' },
  '⌃': { name: 'interrupt' },
}

/** Presses keys one after another in front of a board. */
function type(keys: string, board: Board = ONE, from: ViewState = FIRST_VIEW) {
  let view = from
  const effects: Effect[] = []
  for (const character of keys) {
    const lines = linesOf(view.paused ?? board, view)
    const pressed = press(view, NAMED[character] ?? { name: 'character', character }, { board, lines, page: 3 })
    view = pressed.view
    if (pressed.effect) effects.push(pressed.effect)
  }
  const lines = linesOf(board, view)
  return { view, effects, selected: selectedIndex(view, lines), lines }
}

describe('moving', () => {
  it.each([
    ['', 0],
    ['↓', 1],
    ['jj', 2],
    ['↓↓↑', 1],
    ['↑', 0],
    ['⇟', 3],
    ['⇟⇟⇟', 3],
    ['⇟⇞', 0],
    ['G', 3],
    ['Gg', 0],
    ['Gk', 2],
  ])('%s', (keys, selected) => {
    expect(type(keys).selected).toBe(selected)
  })

  it('keeps to the endpoint when the order changes, and to the place when it leaves', () => {
    const { view } = type('↓↓')
    const reversed = type('S', ONE, view)
    expect(reversed.lines[reversed.selected]).toMatchObject({ row: { address: '10.0.0.7:8080' } })
    const without = boardOf(
      ONE.sections.map((section) => ({ ...section, rows: section.rows.filter((_, i) => i !== 2) })),
    )
    expect(type('', without, view).selected).toBe(2)
    expect(type('', boardOf([]), view).selected).toBe(0)
  })
})

describe('looking', () => {
  it('goes through the sorts and back to the start, each in its own order', () => {
    expect(type('s').view).toMatchObject({ sort: 'share', reversed: false })
    expect(type('sSs').view).toMatchObject({ sort: 'rate', reversed: false })
    expect(type('ssssssss').view.sort).toBe('listed')
  })

  it('filters while it is typed', () => {
    const { view } = type('/0.7q')
    expect(view).toMatchObject({ filter: '0.7q', prompt: { kind: 'filter' } })
    expect(type('/0.7q⌫⏎').view).toMatchObject({ filter: '0.7', prompt: undefined })
    expect(type('/0.7⎋').view).toMatchObject({ filter: '', prompt: undefined })
    expect(type('/0.7⏎⎋').view).toMatchObject({ filter: '' })
  })

  it('goes round the services', () => {
    const [one, two] = TWO.sections.map(({ key }) => key)
    expect(['⇥', '⇥⇥', '⇥⇥⇥', '⇤', '⇤⇤'].map((keys) => type(keys, TWO).view.focus)).toEqual([
      one,
      two,
      undefined,
      two,
      one,
    ])
    expect(type('⇥').view.focus).toBeUndefined()
    expect(type('⏎', TWO).view).toMatchObject({ focus: one, page: 'table' })
    expect(type('⇥⎋', TWO).view.focus).toBeUndefined()
  })

  it('looks into an endpoint and comes back', () => {
    const { view } = type('↓⏎')
    expect(view).toMatchObject({ page: 'inspect', selected: ONE.sections[0]!.rows[1]!.key })
    expect(type('↓⏎↓').view).toMatchObject({ page: 'inspect', selected: ONE.sections[0]!.rows[2]!.key })
    expect(type('⏎⎋').view.page).toBe('table')
    expect(type('⏎⏎').view.page).toBe('table')
    expect(type('⏎', boardOf([])).view.page).toBe('table')
  })

  it('shows help until any key', () => {
    expect(type('?').view.page).toBe('help')
    expect(type('?x').view.page).toBe('table')
    expect(type('?d').view.prompt).toBeUndefined()
  })

  it('pauses on what was there', () => {
    const { view } = type('p')
    expect(view.paused).toBe(ONE)
    expect(type('p', TWO, view).view.paused).toBeUndefined()
  })

  it('quits', () => {
    for (const keys of ['q', '⌃', '?q', '⏎q', '/q⌃', 'd⌃']) expect(type(keys).effects).toEqual([{ kind: 'quit' }])
    expect(type('/q').effects).toEqual([])
  })
})

describe('changing', () => {
  const target = { source: 'proxy-4711-50051', service: 'greeter', address: '10.0.0.6:8080', weight: 2 }

  it('asks first, and does nothing on any key but y', () => {
    expect(type('↓d').view.prompt).toEqual({ kind: 'confirm', change: { ...target, to: { state: 'drain' } } })
    for (const keys of ['↓d', '↓dn', '↓d⏎', '↓d⎋', '↓dd']) expect(type(keys).effects).toEqual([])
    expect(type('↓dn').view.prompt).toBeUndefined()
  })

  it('drains, makes ready and sets the weight', () => {
    expect(type('↓dy').effects).toEqual([{ kind: 'change', change: { ...target, to: { state: 'drain' } } }])
    expect(type('↓ry').effects).toEqual([{ kind: 'change', change: { ...target, to: { state: 'ready' } } }])
    expect(type('↓w12x⌫5⏎y').effects).toEqual([{ kind: 'change', change: { ...target, to: { weight: 15 } } }])
    expect(type('↓w0⏎y').effects).toEqual([{ kind: 'change', change: { ...target, to: { weight: 0 } } }])
    expect(type('↓⏎dy').view.page).toBe('inspect')
  })

  it('takes no weight that is none', () => {
    for (const keys of ['w⏎', 'w1001⏎', 'w⎋']) expect(type(keys).view.prompt?.kind).not.toBe('confirm')
    expect(type('w1001⏎').view.hint).toBe('a weight is 0 to 1000')
    expect(type('w99999').view.prompt).toMatchObject({ text: '9999' })
  })

  it('says why nothing can be changed', () => {
    const fixed = boardOf(sectionsOf(adminState([busyListener({ source: 'static' })])))
    expect(type('d', fixed).view).toMatchObject({ prompt: undefined, hint: expect.stringContaining('fixed list') })
    const state = adminState([busyListener()])
    const closed = boardOf(sectionsOf({ ...state, process: { ...state.process, actions: null } }))
    expect(type('w', closed).view.hint).toContain('does not let')
    expect(type('d', TWO).view.hint).toBe('select an endpoint first')
    expect(type('dx', fixed).view.hint).toBe('')
  })
})
