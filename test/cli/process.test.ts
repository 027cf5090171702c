import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { launch, run, start } from '../support/cli.js'
import { freePort } from '../support/real-etcd.js'

let registry: TestRegistry
let env: { FAIRLEAD_ENDPOINTS: string }
beforeAll(async () => {
  registry = await startRegistry()
  env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
})
afterAll(() => registry.close())

interface ManifestCommand {
  readonly hidden?: boolean
  readonly summary?: string
  readonly examples?: readonly unknown[]
  readonly flags: Readonly<Record<string, object>>
}
interface Manifest {
  readonly commands: Readonly<Record<string, ManifestCommand>>
}
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as unknown

describe('what is wrong with a command line', () => {
  it.each([
    [['resolv', 'web'], 2, /unknown command "resolv"/, /did you mean resolve\?/],
    [['complet'], 2, /unknown command "complet"/, /did you mean completion\?/],
    [['config', 'gett', 'web'], 2, /unknown command "config gett"/, /did you mean get\?/],
    [['--no-color', 'services'], 2, /--no-color stands before the command/, /flags after it/],
    [['services', 'web'], 2, /unexpected argument: web/, /--help/],
    [['services', '--nope'], 2, /unknown flag: --nope$/, /--help/],
    [['services', '--endpoint', 'x'], 2, /unknown flag: --endpoint$/, /did you mean --endpoints\?/],
    [['resolve'], 2, /missing argument: SERVICE$/, /--help/],
    [['wait', 'web'], 2, /missing required flag --for$/, /--help/],
    [['pick', 'web', '-n', 'x'], 2, /--count: expected an integer but received: x/, /--help/],
    [['services', '-o', 'xml'], 2, /xml/, /--help/],
    [['services', '--dial-timeout', 'soon'], 2, /--dial-timeout/, /500ms/],
    [['services', '--endpoints', 'nowhere'], 2, /nowhere/, /host:port/],
    [['services', '--user', 'root'], 2, /password/, /--password-file/],
    [['services', '--config', '/none'], 2, /\/none/, /--config/],
    [['register', 'web', 'no-address'], 2, /no-address/, /10\.0\.0\.5:8080/],
    [['resolve', 'a/b'], 2, /a\/b/, /A-Z/],
    [['resolve', 'nobody'], 3, /nobody/, /./],
  ])('%j ends with %d and a hint', async (args, code, message, hint) => {
    const ended = await run(args, { env })
    expect(ended).toMatchObject({ code, stdout: '' })
    const [first, second] = ended.stderr.split('\n')
    expect(first).toMatch(/^error: /)
    expect(first).toMatch(message)
    expect(second).toMatch(/^hint: /)
    expect(second).toMatch(hint)
  })

  it('is not there with a config file that is right', async () => {
    const config = `{endpoints: ["${registry.endpoint}"], output: json}`
    const ended = await run(['services', '--config', '-'], { input: config })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ended.stdout)).toMatchObject({ schemaVersion: 1, services: [] })
  })

  it('is JSON on stdout too where JSON was asked for', async () => {
    const away = { FAIRLEAD_ENDPOINTS: `127.0.0.1:${await freePort()}` }
    for (const [args, error] of [
      [['services', '--nope', '-o', 'ndjson'], { code: 'INVALID_ARGUMENT', exit: 2 }],
      [['nope', '--json'], { code: 'INVALID_ARGUMENT', exit: 2 }],
      [['services', '--json'], { code: 'UNAVAILABLE', exit: 4 }],
    ] as const) {
      const ended = await run(args, { env: away })
      expect(ended.code).toBe(error.exit)
      expect(ended.stderr).toMatch(/^error: .*\nhint: /)
      expect(JSON.parse(ended.stdout)).toMatchObject({ schemaVersion: 1, error })
    }
  })

  it('reaches the terminal without its control characters', async () => {
    const ended = await run(['resolve', 'we\u001b[2Jb\u202e'], { env })
    expect(ended.code).toBe(2)
    expect(ended.stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
  })
})

describe('colour', () => {
  it('is left out unless asked for', async () => {
    const red = '\u001b[31m'
    expect((await run(['nope'])).stderr).not.toContain(red)
    expect((await run(['nope'], { env: { FORCE_COLOR: '1' } })).stderr).toContain(red)
    expect((await run(['nope'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stderr).not.toContain(red)
    expect((await run(['nope', '--no-color'], { env: { FORCE_COLOR: '1' } })).stderr).not.toContain(red)
  })
})

describe('the end of a command', () => {
  it('is 0 when a long-running one is told to end', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const watch = start(['watch', 'web', '-o', 'ndjson'], { env })
      await watch.waitForLine(/snapshot/)
      watch.signal(signal)
      expect(await watch.ended).toMatchObject({ code: 0, stderr: '' })
    }
  })

  it('is 128 + the signal when another one is told to end', async () => {
    const waiting = start(['wait', 'nobody', '--for', 'endpoints=1', '--log-level', 'debug'], { env })
    // Installed before the command begins: a signal that comes earlier ends Node itself, which `signal` would show.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    waiting.signal('SIGINT')
    expect(await waiting.ended).toMatchObject({ code: 130, signal: null })
  })

  it('is 0 when nobody reads its output any more', async () => {
    const cli = launch(['resolve', 'web', '--help'], { env })
    cli.child.stdout!.destroy()
    expect(await cli.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('comes after all of a large output', async () => {
    const config = JSON.stringify({ filler: Array.from({ length: 20_000 }, (_, i) => `line ${i}`) })
    expect((await run(['config', 'set', 'large', '-'], { env, input: config })).code).toBe(0)
    const shown = await run(['config', 'get', 'large', '-o', 'plain'], { env })
    expect(shown.stdout).toBe(`${config}\n`)
  })
})

describe('help', () => {
  const { commands } = readJson('oclif.manifest.json') as Manifest

  it.each(Object.entries(commands))('of %s has a summary and examples', (_, { summary, examples }) => {
    expect(summary).toMatch(/\S/)
    expect(examples?.length).toBeGreaterThan(0)
  })

  it('of every command has the common flags', () => {
    for (const { flags } of Object.values(commands)) {
      expect(flags).toMatchObject({ 'endpoints': {}, 'output': {}, 'json': {}, 'log-level': {} })
    }
  })

  it('shows usage, examples and exit codes', async () => {
    for (const args of [
      ['register', '--help'],
      ['help', 'register'],
      ['register', '-h'],
    ]) {
      const { code, stdout } = await run(args)
      expect(code).toBe(0)
      expect(stdout).toMatch(/\$ fairlead register SERVICE ADDRESS \[FLAGS\] \[-- COMMAND ARGS…\]/)
      expect(stdout).toMatch(/^EXAMPLES$/m)
      expect(stdout).toMatch(/^LIFE FLAGS$.*^REGISTRY FLAGS$.*^OUTPUT FLAGS$.*^EXIT CODES$/ms)
    }
  })

  it('lists the commands', async () => {
    const { code, stdout } = await run([])
    expect(code).toBe(0)
    for (const [id, { hidden }] of Object.entries(commands)) {
      expect(new RegExp(`^  ${id.split(':')[0]} `, 'm').test(stdout)).toBe(hidden !== true)
    }
  })

  it('has a version', async () => {
    const { version } = readJson('package.json') as { version: string }
    expect((await run(['--version'])).stdout).toMatch(new RegExp(`^fairlead/${version} `))
  })
})
