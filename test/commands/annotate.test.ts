import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import type { Store } from '../../src/core/registry/store.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { run } from '../support/cli.js'

let registry: TestRegistry
let store: Store
let folder: string
let env: Record<string, string>
beforeEach(async () => {
  registry = await startRegistry()
  store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
  folder = mkdtempSync(join(tmpdir(), 'fairlead-annotate-'))
  env = {
    FAIRLEAD_ENDPOINTS: registry.endpoint,
    GITHUB_ACTIONS: 'true',
    GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
    GITHUB_OUTPUT: join(folder, 'output'),
  }
})
afterEach(async () => {
  await store.close()
  await registry.close()
  rmSync(folder, { recursive: true })
})

const put = (key: string, value = '') => store.txn({ then: [{ type: 'put', key: `/ns/${key}`, value }] })
const annotated = (...args: string[]) => run([...args, '--annotate', 'github'], { env })
const summary = () => readFileSync(env.GITHUB_STEP_SUMMARY!, 'utf8')
const commands = (text: string) => text.split('\n').filter((line) => line.startsWith('::'))

describe('--annotate github', () => {
  it('tells of errors, beside what is said without it', async () => {
    const { code, stdout, stderr } = await annotated('resolve', 'web')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^error: no service "web"$/m)
    expect(commands(stderr)).toEqual([
      '::error title=fairlead resolve%3A NOT_FOUND::no service "web"%0Afairlead services lists what is registered',
    ])
  })

  it('leaves JSON on stdout alone', async () => {
    await put('web/10.0.0.5:80')
    await put('web/x', '{')
    const { code, stdout, stderr } = await annotated('resolve', 'web', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ endpoints: [{ address: '10.0.0.5:80' }], skipped: [{}] })
    expect(commands(stderr)).toEqual([
      expect.stringMatching(/^::warning title=fairlead resolve%3A \/ns\/web\/x::the value is not JSON/),
    ])
    const failed = await annotated('pick', 'nobody', '--json')
    expect(JSON.parse(failed.stdout)).toMatchObject({ error: { code: 'NOT_FOUND' } })
    expect(commands(failed.stderr).length).toBe(1)
  })

  it('adds tables to the summary of the step, and touches no output of the step', async () => {
    await put('web/10.0.0.5:80')
    await annotated('resolve', 'web', '-o', 'plain')
    await annotated('pick', 'web', '-n', '10')
    await annotated('wait', 'web', '--for', 'endpoints=1')
    expect(summary()).toMatch(/<code>fairlead resolve web -o plain --annotate github<\/code>\n\n\| address \| weight/)
    expect(summary()).toMatch(/\| address \| weight \| picks \|.*\n.*\n\| 10\.0\.0\.5:80 \| 1 \| 10 \| 100\.0% \|/)
    expect(summary()).toContain('fairlead wait web')
    expect(existsSync(env.GITHUB_OUTPUT!)).toBe(false)
  })

  it('tells of a wait in vain, of wrong usage, and of a policy that is not in use', async () => {
    const waited = await annotated('wait', 'web', '--for', 'endpoints=1', '--timeout', '300ms')
    expect(waited.code).toBe(124)
    expect(commands(waited.stderr)).toEqual([expect.stringMatching(/^::error title=fairlead wait%3A TIMEOUT::/)])
    const misspelt = await annotated('wait', 'web', '--fro', 'gone')
    expect(misspelt.code).toBe(2)
    expect(commands(misspelt.stderr)).toEqual([expect.stringContaining('--fro')])
    await put('web/10.0.0.5:80')
    await put('.config/web', '{"loadBalancingConfig":[{"fastest":{}}]}')
    expect(commands((await annotated('pick', 'web')).stderr)).toEqual([
      expect.stringMatching(/^::warning title=fairlead pick%3A service config of web::.*fastest/),
    ])
  })

  it('tells of the failure that --explain explains', async () => {
    await put('web/10.0.0.5:80', '{"Addr":"10.0.0.5:80","Metadata":{"state":"maint"}}')
    for (const command of ['pick', 'resolve']) {
      const { code, stderr } = await annotated(command, 'web', '--explain')
      expect(code).toBe(3)
      expect(commands(stderr)).toEqual([expect.stringContaining('NO_ENDPOINTS')])
    }
  })

  it('goes on where the summary cannot be written', async () => {
    await put('web/10.0.0.5:80')
    env.GITHUB_STEP_SUMMARY = join(folder, 'no/such/file')
    const { code, stdout, stderr } = await annotated('resolve', 'web', '-o', 'plain')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '10.0.0.5:80\n' })
    expect(stderr).toContain('the summary of the step could not be written')
  })

  it('is for GitHub alone', async () => {
    expect((await run(['resolve', 'web', '--annotate', 'gitlab'], { env })).code).toBe(2)
  })
})
