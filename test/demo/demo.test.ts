import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { run, type RunningCli, start } from '../support/cli.js'

const SLOW = { timeout: 90_000 }
const GONE = { timeout: 20_000, interval: 100 }
const CLOSING_LINE = /^(\d+) requests, (\d+) failed$/

describe('fairlead demo', () => {
  it('plays to its end: nothing failed, and every endpoint had the share its weight stands for', SLOW, async () => {
    const { code, stdout, stderr } = await run(['demo', '--for', '4s'], { timeout: 80_000 })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    const [, requests, failed] = CLOSING_LINE.exec(lines.at(-1)!)!
    expect(Number(failed)).toBe(0)
    expect(Number(requests)).toBeGreaterThan(100)

    const table = lines.slice(lines.findIndex((line) => line.startsWith('ENDPOINT')) + 1, -1)
    const rows = table.map((line) => line.split(/\s+/))
    expect(rows.map(([, weight]) => weight)).toEqual(['1', '2', '3'])
    expect(rows.reduce((sum, row) => sum + Number(row[2]), 0)).toBe(Number(requests))
    for (const [, , , share, expected] of rows) {
      expect(Math.abs(parseFloat(share!) - parseFloat(expected!))).toBeLessThan(5)
    }
    expect(stdout.match(/ joined /g)).toHaveLength(4)
    expect(stdout).toMatch(/ leaving .* got SIGTERM/)
  })

  it('refuses a duration that is too short', async () => {
    const { code, stderr } = await run(['demo', '--for', '1s'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/--for 1s is too short[^]*hint: give at least 2s/)
  })

  it('prints one document with -o json', SLOW, async () => {
    const { code, stdout } = await run(['demo', '--for', '2s', '-o', 'json'], { timeout: 80_000 })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      failed: 0,
      endpoints: [{ weight: 1 }, { weight: 2 }, { weight: 3 }],
    })
  })
})

describe.skipIf(process.platform !== 'linux')('the processes of fairlead demo', () => {
  async function startMarked(): Promise<{ demo: RunningCli; processes: () => MarkedProcess[] }> {
    const marker = `DEMO_TEST=${randomUUID()}`
    const [name, value] = marker.split('=') as [string, string]
    onTestFinished(() => processesWith(marker).forEach(({ pid }) => process.kill(pid, 'SIGKILL')))
    const demo = start(['demo', '--for', '60s'], { env: { [name]: value } })
    await demo.waitForLine(/\/s .*×3 \d/, 60_000)
    return { demo, processes: () => processesWith(marker) }
  }

  it('end in good order on SIGTERM, and the figures so far are printed', SLOW, async () => {
    const { demo, processes } = await startMarked()
    // Itself, the guardian, the registry, three times a registration and its backend, the proxy, the load.
    expect(processes()).toHaveLength(11)
    demo.signal('SIGTERM')
    const { code, stdout } = await demo.ended
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^\d+ requests, 0 failed$/)
    expect(processes()).toEqual([])
  })

  it('end when the demo itself is killed', SLOW, async () => {
    const { demo, processes } = await startMarked()
    demo.signal('SIGKILL')
    await demo.ended
    await vi.waitFor(() => expect(processes()).toEqual([]), GONE)
  })

  it('end when one of them fails, which is told', SLOW, async () => {
    const { demo, processes } = await startMarked()
    const proxy = processes().find(({ command }) => command.includes(' proxy '))!
    process.kill(proxy.pid, 'SIGKILL')
    const { code, stderr } = await demo.ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/error: the proxy was killed by SIGKILL in the middle of the demo/)
    expect(processes()).toEqual([])
  })
})

interface MarkedProcess {
  readonly pid: number
  readonly command: string
}

/** Every process with a variable in its environment: whoever started it, whatever became of its parent. */
function processesWith(variable: string): MarkedProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(variable)) return []
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') }]
    } catch {
      return []
    }
  })
}
