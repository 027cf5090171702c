import chalk from 'chalk'
import { render } from 'ink-testing-library'
import { describe, expect, it, vi } from 'vitest'
import { DemoScreen } from '../../src/tui/demo-view.js'
import type { DemoView, EndpointView } from '../../src/demo/state.js'

const COLOR = /\x1b\[3\dm/

function endpoint(address: string, weight: number, share: number): EndpointView {
  const figures = { requests: Math.round(share * 2400), share, expected: weight / 6 }
  return {
    address,
    weight,
    registered: true,
    total: figures,
    recent: figures,
    phase: 'ready',
    rate: share * 300,
    trend: [10, 20, 30, 40],
  }
}

const VIEW: DemoView = {
  service: 'web',
  proxy: '127.0.0.1:41234',
  elapsedMs: 9900,
  loadMs: 8400,
  durationMs: 15_000,
  requests: 2400,
  failed: 0,
  rate: 300,
  endpoints: [
    endpoint('127.0.0.1:40001', 1, 1 / 6),
    endpoint('127.0.0.1:40002', 2, 0.25),
    { ...endpoint('127.0.0.1:40003', 3, 0.5), phase: 'leaving' },
  ],
  events: Array.from({ length: 40 }, (_, i) => ({ atMs: i * 200, kind: 'joined', text: `event number ${i}` })),
}

function frame(columns: number, rows: number, color = false): string {
  const { lastFrame, unmount } = render(
    <DemoScreen view={VIEW} columns={columns} rows={rows} color={color} onQuit={() => {}} />,
  )
  const text = lastFrame()!
  unmount()
  return text
}

describe('DemoScreen', () => {
  it('fits 80×24, leaves the last row free and shows the latest events', () => {
    const lines = frame(80, 24).split('\n')
    expect(lines).toHaveLength(23)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(lines[0]).toMatch(/fairlead demo tcp:\/\/127\.0\.0\.1:41234 -> web .* 8s of 15s/)
    expect(lines[1]).toContain('300/s  2,400 requests  0 failed')
    const text = lines.join('\n')
    expect(text).toContain('event number 39')
    expect(text).not.toContain('event number 20')
    expect(lines.at(-1)).toContain('q quit')
  })

  it('shows each endpoint with its share, rate, requests and phase in one line', () => {
    const line = frame(80, 24)
      .split('\n')
      .find((text) => text.includes('127.0.0.1:40002'))!
    expect(line).toMatch(/^ 127\.0\.0\.1:40002 {2}2 {2}━+╸? ?╎ +25\.0% +75 .* 600 {2}ready$/)
    expect(frame(80, 24)).toMatch(/40003 .* leaving/)
  })

  it.each([
    [40, 12],
    [100, 30],
    [200, 60],
  ])('stays inside %i×%i', (columns, rows) => {
    const lines = frame(columns, rows).split('\n')
    expect(lines.length).toBeLessThan(rows)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
  })

  it('calls back on q and on Ctrl-C, and on nothing else', async () => {
    const onQuit = vi.fn()
    const { stdin } = render(<DemoScreen view={VIEW} columns={80} rows={24} color={false} onQuit={onQuit} />)
    await new Promise((resolve) => setImmediate(resolve))
    stdin.write('x')
    expect(onQuit).not.toHaveBeenCalled()
    stdin.write('q')
    stdin.write('\x03')
    expect(onQuit).toHaveBeenCalledTimes(2)
  })

  it('uses colour only when told so', () => {
    const level = chalk.level
    chalk.level = 1
    try {
      expect(frame(80, 24, true)).toMatch(COLOR)
      expect(frame(80, 24, false)).not.toMatch(COLOR)
    } finally {
      chalk.level = level
    }
  })
})
