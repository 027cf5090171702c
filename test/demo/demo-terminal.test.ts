import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { describeWithPeers } from '../support/peers.js'

const SLOW = { timeout: 90_000 }
const SOON = { timeout: 60_000, interval: 200 }

describeWithPeers(['tmux'], 'fairlead demo on a terminal', () => {
  let socket: string

  function tmux(...args: string[]): string {
    const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const screen = () => tmux('capture-pane', '-p')
  const type = (text: string) => tmux('send-keys', '-l', text)
  const press = (key: string) => tmux('send-keys', key)
  const ask = (format: string) => tmux('display-message', '-p', format).trim()

  beforeEach(() => {
    socket = `fairlead-${randomUUID()}`
    const env = ['-u', 'CI', '-u', 'CONTINUOUS_INTEGRATION', '-u', 'NO_COLOR', '-u', 'TMUX', 'PS1=$ ', 'sh']
    tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', 'env', ...env)
  })
  afterEach(() => {
    spawnSync('tmux', ['-L', socket, 'kill-server'])
  })

  async function startDemo(): Promise<void> {
    type(
      `echo be""fore; node bin/run.js demo --for 60s; echo "status=$?"; stty -a | grep -o -- '-*icanon\\|-*echo ' | tr '\\n' ' '; echo`,
    )
    press('Enter')
    await vi.waitFor(() => expect(screen()).toMatch(/ready[^]*ready[^]*ready/), SOON)
    await vi.waitFor(() => expect(screen()).toMatch(/━+.*50\.\d%/), SOON)
  }

  /** Every line of the frame is where it belongs, and nothing of an earlier frame is left. */
  function expectOneFrame(rows: number): void {
    const lines = screen().split('\n').slice(0, rows)
    expect(lines[0]).toMatch(/^ fairlead demo tcp:\/\/127\.0\.0\.1:\d+ -> web .* of 60s$/)
    expect(lines[1]).toMatch(/^ \d+\/s +[\d,]+ requests +0 failed$/)
    expect(lines[3]).toMatch(/^ ENDPOINT .* STATE$/)
    for (const [i, weight] of ['1', '2', '3'].entries()) {
      expect(lines[4 + i]).toMatch(new RegExp(`^ 127\\.0\\.0\\.1:\\d+ +${weight} .* ready$`))
    }
    expect(lines.findIndex((line) => line === ' q quit')).toBe(rows - 2)
    expect(lines.filter((line) => line.includes('fairlead demo'))).toHaveLength(1)
  }

  async function expectRestored(): Promise<void> {
    await vi.waitFor(() => expect(screen()).toMatch(/status=0/), SOON)
    await vi.waitFor(() => expect(screen()).toMatch(/^icanon echo/m), SOON)
    expect(screen()).toMatch(/before/)
    expect(screen()).toMatch(/\d+ requests, 0 failed/)
    expect(ask('#{alternate_on} #{cursor_flag}')).toBe('0 1')
  }

  it('shows one screen, and gives the terminal back on q', SLOW, async () => {
    await startDemo()
    expect(ask('#{alternate_on}')).toBe('1')
    expect(screen()).not.toMatch(/before/)
    expectOneFrame(24)
    press('q')
    await expectRestored()
  })

  it('gives the terminal back on Ctrl-C', SLOW, async () => {
    await startDemo()
    press('C-c')
    await expectRestored()
  })

  it('draws the screen anew when the terminal changes its size', SLOW, async () => {
    await startDemo()
    tmux('resize-window', '-x', '100', '-y', '30')
    await vi.waitFor(() => expectOneFrame(30), SOON)
    press('q')
    await expectRestored()
  })
})
