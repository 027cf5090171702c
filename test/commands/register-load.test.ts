import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { run, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'

const ADDRESS = '10.0.0.5:8080'

describe('fairlead register --report-load', () => {
  let registry: TestRegistry
  let env: Record<string, string>
  beforeAll(async () => {
    registry = await startRegistry()
    env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
  })
  afterAll(() => registry?.close())

  const register = (service: string, ...args: string[]) => start(['register', service, ADDRESS, ...args], { env })
  const loadOf = async (service: string) => {
    const { stdout } = await run(['resolve', service, '--json'], { env })
    return (JSON.parse(stdout) as { endpoints: { load?: number }[] }).endpoints[0]?.load
  }

  it('keeps what a command prints in the record, and shows it', async () => {
    register('printed', '--report-load', 'test "$FAIRLEAD_SERVICE" = printed && echo 40%')
    await eventually(async () => expect(await loadOf('printed')).toBe(0.4))
    const { stdout } = await run(['resolve', 'printed', '-o', 'wide'], { env })
    expect(stdout).toMatch(/STATE +LOAD +ROLE/)
    expect(stdout).toMatch(/ready +0\.4 +server/)
  })

  it('tells the busy child from what else there is on the machine', async () => {
    const busy = register(
      'busy',
      '--report-load',
      'cpu',
      '--report-load-interval',
      '1s',
      '--',
      'sh',
      '-c',
      'i=0; while [ $i -lt 20000000 ]; do i=$((i + 1)); done',
    )
    await eventually(async () => expect(await loadOf('busy')).toBeGreaterThan(0))
    const idle = register('idle', '--report-load', 'cpu', '--report-load-interval', '1s', '--', 'sleep', '20')
    await eventually(async () => expect(await loadOf('idle')).toBe(0))
    // Killed, they would leave their children behind.
    for (const cli of [busy, idle]) {
      cli.signal('SIGTERM')
      await cli.ended
    }
  })

  it('says once that there is no load, and goes on', async () => {
    const cli = register('broken', '--report-load', 'exit 7', '--report-load-interval', '1s', '-o', 'ndjson')
    await cli.waitForLine(/^no load of broken 10\.0\.0\.5:8080: it ended with status 7$/)
    await cli.waitForLine(/"event":"load_failed"/)
    await cli.waitForLine(/^registered broken/)
    expect(await loadOf('broken')).toBeUndefined()
    cli.signal('SIGTERM')
    const { code, stderr } = await cli.ended
    expect(code).toBe(0)
    expect(stderr.match(/no load of/g)).toHaveLength(1)
  })

  it.each([
    [['--report-load', ' '], /names nothing/],
    [['--report-load', 'cpu', '--report-load-interval', '0.5s'], /1s to 30s/],
    [['--report-load', 'cpu', '--report-load-interval', '1m'], /1s to 30s/],
    [['--report-load', 'cpu', '--once'], /report-load/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(['register', 'web', ADDRESS, ...args], { env })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})
