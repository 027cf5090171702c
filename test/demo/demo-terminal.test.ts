import { expect, it, vi } from 'vitest'
import { describeWithPeers } from '../support/peers.js'
import { openTerminal, reporting, type Terminal } from '../support/terminal.js'

const SLOW = { timeout: 120_000 }
const SOON = { timeout: 60_000, interval: 200 }

describeWithPeers(['tmux'], 'fairlead demo on a terminal', () => {
  async function startDemo(duration = '60s'): Promise<Terminal> {
    const terminal = openTerminal()
    terminal.type(reporting(`node bin/run.js demo --for ${duration}`))
    terminal.press('Enter')
    await vi.waitFor(() => expect(terminal.screen()).toMatch(/━+.*50\.\d%.* ready/), SOON)
    return terminal
  }

  async function expectRestored(terminal: Terminal): Promise<void> {
    await vi.waitFor(() => expect(terminal.screen()).toMatch(/status=0/), SOON)
    await vi.waitFor(() => expect(terminal.screen()).toMatch(/^icanon echo/m), SOON)
    expect(terminal.screen()).toMatch(/before/)
    expect(terminal.screen()).toMatch(/\d+ requests, 0 failed/)
    expect(terminal.modes()).toBe('0 1')
  }

  it('opens on the live view of its proxy, and gives the terminal back on q', SLOW, async () => {
    const terminal = await startDemo()
    expect(terminal.modes()).toBe('1 0')
    const lines = terminal.screen().split('\n')
    expect(lines[0]).toMatch(/^ fairlead {2}web {2}tcp:\/\/127\.0\.0\.1:\d+ {2}weighted_round_robin +registry live/)
    expect(lines[2]).toMatch(/^ \d+s of 60s · [\d,]+ requests, 0 failed · [\d.]+% off expected · all 3 in rotation/)
    for (const line of lines.slice(5, 8)) expect(line).toMatch(/^[ ▸]127\.0\.0\.1:\d+ [123] .* ready$/)
    expect(terminal.screen()).toMatch(/registry +demo +etcd-compatible, in memory/)
    terminal.press('q')
    await expectRestored(terminal)
  })

  it('gives the terminal back on Ctrl-C', SLOW, async () => {
    const terminal = await startDemo()
    terminal.press('C-c')
    await expectRestored(terminal)
  })

  it('shows the traffic move as an endpoint leaves, and move back: to the end', SLOW, async () => {
    const terminal = await startDemo('24s')
    const shares = () => terminal.screen().split('\n').slice(5, 9)
    // Weights 1 and 2 are left.
    await vi.waitFor(() => {
      const [one, two] = [1, 2].map((weight) => shares().find((line) => new RegExp(`^.127\\S+ ${weight} `).test(line)))
      expect(one).toMatch(/ 33\.\d%/)
      expect(two).toMatch(/ 66\.\d%/)
    }, SOON)
    await vi.waitFor(
      () => expect(shares().find((line) => /^.127\S+ 3 /.test(line))).toMatch(/ (49|50)\.\d%.* ready/),
      SOON,
    )
    expect(terminal.screen()).toMatch(/leaving[^]*left[^]*joined/)
    await expectRestored(terminal)
  })
})
