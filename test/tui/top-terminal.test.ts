import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { start } from '../support/cli.js'
import { describeWithPeers } from '../support/peers.js'
import { openTerminal, reporting, type Terminal } from '../support/terminal.js'

const SLOW = { timeout: 90_000 }
const SOON = { timeout: 60_000, interval: 200 }

describeWithPeers(['tmux'], 'fairlead top on a terminal', () => {
  let env: Record<string, string>
  beforeEach(() => {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
    env = { XDG_RUNTIME_DIR: folder, TMPDIR: folder }
    return () => rmSync(folder, { recursive: true })
  })

  /** The view in front of a proxy over two endpoints. */
  async function startTop(command = 'node bin/run.js top'): Promise<Terminal> {
    const server = createServer((_request, response) => response.end())
    onTestFinished(() => void server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const proxy = start(['proxy', `http://127.0.0.1:0=127.0.0.1:${port}@2,127.0.0.1:1`, '-o', 'ndjson'], { env })
    await proxy.waitForLine(/"event":"listening"/)
    const terminal = openTerminal(80, 24, env)
    terminal.type(reporting(command))
    terminal.press('Enter')
    await vi.waitFor(() => expect(terminal.screen()).toMatch(/ENDPOINT[^]*127\.0\.0\.1:1 .*ready/), SOON)
    return terminal
  }

  function expectOneFrame(terminal: Terminal, rows: number): void {
    const lines = terminal.screen().split('\n').slice(0, rows)
    expect(lines[0]).toMatch(/^ fairlead .* fixed list$/)
    expect(lines[4]).toMatch(/^ ENDPOINT .* STATE$/)
    expect(lines[rows - 1]).toMatch(/^ ↑↓ select .* q quit$/)
    expect(lines.filter((line) => line.includes('fairlead'))).toHaveLength(1)
  }

  async function expectRestored(terminal: Terminal, status: RegExp): Promise<void> {
    await vi.waitFor(() => expect(terminal.screen()).toMatch(status), SOON)
    await vi.waitFor(() => expect(terminal.screen()).toMatch(/^icanon echo/m), SOON)
    expect(terminal.screen()).toMatch(/before/)
    expect(terminal.modes()).toBe('0 1')
  }

  it('shows one screen in any size, moves on a key, and gives the terminal back on q', SLOW, async () => {
    const terminal = await startTop()
    expect(terminal.modes()).toBe('1 0')
    expect(terminal.screen()).not.toMatch(/before/)
    expectOneFrame(terminal, 24)
    terminal.press('Down')
    await vi.waitFor(() => expect(terminal.screen()).toMatch(/▸127\.0\.0\.1:\d/), SOON)
    terminal.resize(160, 50)
    await vi.waitFor(() => expectOneFrame(terminal, 50), SOON)
    expect(terminal.screen()).toContain('P95')
    terminal.resize(80, 24)
    await vi.waitFor(() => expectOneFrame(terminal, 24), SOON)
    terminal.press('q')
    await expectRestored(terminal, /2 of 2 in rotation[^]*status=0/)
  })

  it('gives it back on Ctrl-C', SLOW, async () => {
    const terminal = await startTop()
    terminal.press('C-c')
    await expectRestored(terminal, /status=0/)
  })

  it('gives it back on SIGTERM', SLOW, async () => {
    const pidFile = join(env.TMPDIR!, 'pid')
    const terminal = await startTop(`sh -c 'echo $$ > ${pidFile}; exec node bin/run.js top'`)
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM')
    await expectRestored(terminal, /status=0/)
  })

  it.each([
    ['', 'node bin/run.js top'],
    [', with what it was started by', `sh -c 'node bin/run.js top; :'`],
  ])('lends it to the shell on Ctrl-Z%s', SLOW, async (_by, command) => {
    const terminal = await startTop(command)
    terminal.press('C-z')
    await vi.waitFor(() => expect(terminal.screen()).toMatch(/before/), SOON)
    expect(terminal.modes()).toBe('0 1')
    terminal.type('fg')
    terminal.press('Enter')
    await vi.waitFor(() => expectOneFrame(terminal, 24), SOON)
    terminal.press('q')
    await vi.waitFor(() => expect(terminal.modes()).toBe('0 1'), SOON)
  })

  for (const where of ['view', 'timer', 'promise']) {
    it(`gives it back when something breaks: a ${where}`, SLOW, async () => {
      const terminal = openTerminal(150, 60, { TSX_TSCONFIG_PATH: 'tsconfig.test.json' })
      terminal.type(reporting(`node --import tsx test/tui/support/failing-screen.tsx ${where}`))
      terminal.press('Enter')
      await expectRestored(terminal, new RegExp(`the ${where} broke[^]*status=1`))
    })
  }
})
