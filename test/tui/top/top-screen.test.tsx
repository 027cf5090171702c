import chalk from 'chalk'
import { render } from 'ink-testing-library'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Board } from '../../../src/top/board.js'
import { TopScreen } from '../../../src/tui/top/top-screen.js'
import { boardOf, eventLine, ONE, sectionsOf, SOURCE, TWO } from '../../top/support/boards.js'
import { adminState, busyListener, endpointView, listenerView } from '../../top/support/states.js'

const COLOR = /\x1b\[3\dm/
const [UP, DOWN, ENTER, ESCAPE] = ['\x1b[A', '\x1b[B', '\r', '\x1b']

interface Options {
  readonly columns?: number
  readonly rows?: number
  readonly color?: boolean
}

/** The screen in front of a board that the test can exchange. */
function show(first: Board, { columns = 80, rows = 24, color = false }: Options = {}) {
  let board = first
  const listeners = new Set<() => void>()
  const onEffect = vi.fn()
  const onSuspend = vi.fn()
  const screen = (size: { readonly columns: number; readonly rows: number }) => (
    <TopScreen
      board={() => board}
      subscribe={(listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      }}
      {...size}
      {...{ color, onEffect, onSuspend }}
    />
  )
  const { lastFrame, frames, stdin, rerender, unmount } = render(screen({ columns, rows }))
  onTestFinished(unmount)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    onEffect,
    onSuspend,
    frames,
    lines: () => lastFrame()!.split('\n'),
    text: () => lastFrame()!,
    resize: (to: { columns: number; rows: number }) => rerender(screen(to)),
    async press(...keys: string[]) {
      // Ink listens for keys once its effects have run, and waits a turn to tell Escape from what begins with it.
      await turn()
      for (const key of keys) {
        stdin.write(key)
        await turn()
        await turn()
      }
    },
    async publish(next: Board) {
      await turn()
      board = next
      for (const listener of listeners) listener()
    },
  }
}

function expectInside(lines: readonly string[], columns: number, rows: number): void {
  expect(lines.length).toBeLessThanOrEqual(rows)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
}

describe('the live view', () => {
  it('shows a service on 80×24', () => {
    const lines = show(ONE).lines()
    expectInside(lines, 80, 24)
    expect(lines).toHaveLength(24)
    expect(lines[0]).toBe(' fairlead  greeter  grpc://127.0.0.1:50051  least_request     registry live r42')
    expect(lines[1]).toBe(' 8214/s  ok 99.98%  p50 0.40  p95 1.1  p99 2.3 ms  31 in flight')
    expect(lines[2]).toBe(' 0.1% off expected · 3 of 4 in rotation')
    expect(lines[4]).toMatch(/^ ENDPOINT +W SHARE +\/s TREND +OK% +P99 FLY STATE$/)
    expect(lines[5]).toMatch(/^▸10\.0\.0\.5:8080 3 ━+╸?╎ +50\.1% +4115 .* 100 +2\.1 +16 ready$/)
    expect(lines[7]).toMatch(/^ 10\.0\.0\.7:8080 1 .* 99\.9 .* warming 40%$/)
    expect(lines[8]).toMatch(/^ 10\.0\.0\.8:8080 2 ╎ +0\.0% +0 .* – +– +0 ejected 21s$/)
    expect(lines[22 - 1]).toMatch(/joined +10\.0\.0\.7:8080 +event number 39$/)
    expect(lines[23]).toBe(' ↑↓ select  ⏎ inspect  s sort  d drain  r ready  w weight  ? help  q quit')
  })

  it('says more on 160×50, reasons too', () => {
    const lines = show(ONE, { columns: 160, rows: 50 }).lines()
    expectInside(lines, 160, 50)
    expect(lines[4]).toMatch(
      /ENDPOINT +ZONE W SHARE ━ real ╎ expected +\/s TREND +OK% +P50 +P95 +P99 P99 TREND +FLY STATE/,
    )
    expect(lines[8]).toMatch(/ejected 21s {2}5 consecutive UNAVA/)
    expect(lines[49]).toContain('p pause')
  })

  it.each([
    [20, 5],
    [40, 12],
    [60, 15],
    [100, 30],
    [200, 60],
  ])('stays inside %i×%i', (columns, rows) => {
    expectInside(show(ONE, { columns, rows }).lines(), columns, rows)
    expectInside(show(TWO, { columns, rows }).lines(), columns, rows)
  })

  it('follows a change of size', () => {
    const screen = show(ONE)
    screen.resize({ columns: 120, rows: 30 })
    expect(screen.lines()).toHaveLength(30)
    expect(screen.lines()[4]).toContain('P50')
    screen.resize({ columns: 80, rows: 24 })
    expect(screen.lines()).toHaveLength(24)
  })

  it('draws a new board when it is told of one', async () => {
    const screen = show(ONE)
    const before = screen.frames.length
    await screen.publish(boardOf(sectionsOf(adminState([busyListener({ ratePerSecond: 1 })]))))
    expect(screen.lines()[1]).toMatch(/^ 1\/s/)
    expect(screen.frames).toHaveLength(before + 1)
  })

  it('shows several services one below the other, and one alone', async () => {
    const screen = show(TWO)
    expect(screen.lines()[0]).toMatch(/^ fairlead {2}2 services behind 2 listeners +registry live$/)
    expect(screen.lines()[5]).toMatch(/^▸greeter {2}grpc:.* ok 99\.9% .* 3 of 4 in use$/)
    expect(screen.text()).toContain(' web  http://127.0.0.1:8080')
    await screen.press('\t', '\t')
    expect(screen.lines()[0]).toMatch(/^ fairlead {2}web {2}http:\/\/127\.0\.0\.1:8080/)
    expect(screen.lines()[5]).toMatch(/^▸10\.0\.0\.5/)
  })

  it('looks into an endpoint', async () => {
    const screen = show(ONE)
    await screen.press(DOWN, DOWN, DOWN, ENTER)
    const text = screen.text()
    expect(text).toMatch(/10\.0\.0\.8:8080 {2}ejected for 21s {2}5 consecutive UNAVAILABLE/)
    expect(text).toMatch(/share .* 0\.0% of 0\.0% expected/)
    expect(text).toMatch(/health +ejected · 5 consecutive UNAVAILABLE · ejected 1×/)
    expectInside(screen.lines(), 80, 24)
    await screen.press(UP)
    expect(screen.text()).toMatch(/10\.0\.0\.7:8080 {2}warming 40%/)
    expect(screen.text()).toContain('event number 39')
    await screen.press(ESCAPE)
    expect(screen.text()).toContain('ENDPOINT')
  })

  it('asks before it changes anything, and passes the answer on', async () => {
    const screen = show(ONE)
    await screen.press('d')
    expect(screen.lines()[23]).toBe(' drain 10.0.0.5:8080 of greeter? It finishes what it has  y yes  n no')
    await screen.press('n', 'w', '7', ENTER)
    expect(screen.lines()[23]).toContain('weight 3 -> 7 for 10.0.0.5:8080 of greeter?')
    expect(screen.onEffect).not.toHaveBeenCalled()
    await screen.press('y')
    expect(screen.onEffect).toHaveBeenCalledExactlyOnceWith({
      kind: 'change',
      change: { source: SOURCE.name, service: 'greeter', address: '10.0.0.5:8080', weight: 3, to: { weight: 7 } },
    })
  })

  it('takes keys that come in one piece, but no answer to a question', async () => {
    const screen = show(ONE)
    await screen.press('jjw7\ry')
    expect(screen.lines()[7]).toMatch(/^▸10\.0\.0\.7/)
    expect(screen.lines()[23]).toContain('weight 1 -> 7 for 10.0.0.7:8080 of greeter?')
    expect(screen.onEffect).not.toHaveBeenCalled()
    await screen.press('y')
    expect(screen.onEffect).toHaveBeenCalledOnce()
  })

  it('stands still while it is paused', async () => {
    const screen = show(ONE)
    await screen.press('p')
    expect(screen.lines()[2]).toContain('paused')
    await screen.publish(boardOf([]))
    expect(screen.lines()[0]).toContain('greeter')
    await screen.press('p')
    expect(screen.lines()[0]).not.toContain('greeter')
  })

  it('filters, sorts and tells so', async () => {
    const screen = show(ONE)
    await screen.press('/', '0', '.', '8')
    expect(screen.lines()[23]).toMatch(/^ \/ 0\.8▏ {2}⏎ keep {2}Esc clear$/)
    expect(screen.text()).not.toContain('10.0.0.5')
    await screen.press(ENTER, 's')
    expect(screen.lines()[2]).toContain('filter "0.8" · by share')
    await screen.press('/', 'x')
    expect(screen.lines()[2]).toContain('finds nothing')
  })

  it('explains itself', async () => {
    const screen = show(ONE)
    await screen.press('?')
    expect(screen.text()).toMatch(/drain it, make it ready/)
    expectInside(screen.lines(), 80, 24)
  })

  it('quits on q and Ctrl-C and is suspended by Ctrl-Z', async () => {
    const screen = show(ONE)
    await screen.press('q', '\x03')
    expect(screen.onEffect.mock.calls).toEqual([[{ kind: 'quit' }], [{ kind: 'quit' }]])
    await screen.press('\x1a')
    expect(screen.onSuspend).toHaveBeenCalledOnce()
  })

  it('makes no more lines of a thousand endpoints than fit, and keeps the selected one in sight', async () => {
    const endpoints = Array.from({ length: 1000 }, (_, i) =>
      endpointView(`10.0.${Math.floor(i / 250)}.${i % 250}:8080`, { share: 0.001, expectedShare: 0.001 }),
    )
    const screen = show(boardOf(sectionsOf(adminState([listenerView({ endpoints })]))))
    expect(screen.lines().filter((line) => line.includes(':8080'))).toHaveLength(12)
    expect(screen.lines()[5]).toMatch(/━+╎ +0\.1%/)
    await screen.press('G')
    expect(screen.text()).toContain('▸10.0.3.249:8080')
    await screen.press('\x1b[5~')
    expect(screen.text()).toContain('▸10.0.3.237:8080')
  })

  it('says what is wrong', () => {
    const stale = {
      state: 'stale' as const,
      revision: '41',
      changedAt: null,
      staleMs: 12_000,
      reason: 'connection refused',
    }
    const sick = sectionsOf(
      adminState([busyListener({ registry: stale, panic: true, configError: 'no policy is known' })]),
    )
    const [first, , third] = show(boardOf(sick)).lines()
    expect(first).toMatch(/registry stale 12s r41$/)
    expect(third).toMatch(/^ panic: too few are healthy, all are used · service config not in use: /)
    const away = { ...SOURCE, state: 'away' as const, reason: 'gone' }
    const gone = sectionsOf(adminState([busyListener()]), away)
    expect(show({ ...boardOf(gone), sources: [away] }).lines()[0]).toMatch(/proxy-4711-50051 does not answer$/)
    expect(show(boardOf([])).lines()[0]).toMatch(/connecting$/)
  })

  it('shows the banner of who opened it', () => {
    const lines = show({ ...ONE, banner: '3s of 15s', events: [eventLine()] }).lines()
    expect(lines[2]).toMatch(/^ 3s of 15s · 0\.1% off/)
  })

  it('uses colour only when told so', () => {
    const { level } = chalk
    chalk.level = 1
    onTestFinished(() => void (chalk.level = level))
    expect(show(ONE, { color: true }).text()).toMatch(COLOR)
    expect(show(ONE).text()).not.toMatch(COLOR)
  })
})
