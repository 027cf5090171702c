import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import type { Store } from '../../src/core/registry/store.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { run, start } from '../support/cli.js'
import { freePort } from '../support/real-etcd.js'

let registry: TestRegistry
let store: Store
let env: Record<string, string>
beforeAll(async () => {
  registry = await startRegistry()
  store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
  env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
})
afterAll(async () => {
  await store.close()
  await registry.close()
})

/** Every line of stderr, which must be JSON. */
function objects(stderr: string): Record<string, unknown>[] {
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('--log-format json', () => {
  it('writes notes as JSON, with level, time and pid, and leaves stdout alone', async () => {
    const { code, stdout, stderr } = await run(['services', '--log-format', 'json', '--log-level', 'silent'], { env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(objects(stderr)).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        pid: expect.any(Number) as number,
        msg: 'no services below /ns/',
      },
    ])
  })

  it('writes why a command failed with its code, hint and exit status', async () => {
    const { code, stderr } = await run(['resolve', 'nobody'], { env: { ...env, FAIRLEAD_LOG_FORMAT: 'json' } })
    expect(code).toBe(3)
    expect(objects(stderr)).toMatchObject([
      { level: 'error', code: 'NOT_FOUND', exit: 3, hint: expect.stringContaining('services') as string },
    ])
  })

  it('writes what is logged from the level on, with its fields', async () => {
    const away = `127.0.0.1:${await freePort()}`
    const watch = start(['watch', 'web', '--endpoints', away, '--log-format', 'json', '--log-level', 'debug'])
    const line = JSON.parse(await watch.waitForLine(/"level":"debug"/)) as Record<string, unknown>
    expect(line).toMatchObject({ msg: 'the registry is away', error: expect.stringContaining(away) as string })
  })

  it('lets nothing through to a terminal', async () => {
    const { stderr } = await run(['resolve', 'we\u001b[2Jb\u202e', '--log-format', 'json'], { env })
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(objects(stderr)[0]!.msg).toContain('\\u001b[2Jb\u202e')
  })

  it('reaches the workers of a proxy', async () => {
    expect((await run(['register', 'odd', '10.0.0.5:80', '--permanent'], { env })).code).toBe(0)
    await store.txn({ then: [{ type: 'put', key: '/ns/.config/odd', value: '{"loadBalancingConfig":[{"odd":{}}]}' }] })
    const proxy = start(['proxy', '0=odd', '--workers', '2', '--log-format', 'json'], { env })
    const line = JSON.parse(await proxy.waitForLine(/"msg":"the service config cannot/)) as Record<string, unknown>
    expect(line).toMatchObject({ level: 'warn', service: 'odd', policy: 'weighted_round_robin' })
    expect(line.pid).not.toBe(proxy.pid)
    proxy.signal()
    const { stderr } = await proxy.ended
    expect(objects(stderr).length).toBeGreaterThan(0)
  })
})

describe('the text format', () => {
  it('is what is written without the flag', async () => {
    const { stderr } = await run(['services', '--prefix', '/empty'], { env })
    expect(stderr).toBe('no services below /empty/\n')
  })

  it('refuses another one', async () => {
    expect((await run(['services', '--log-format', 'xml'], { env })).code).toBe(2)
    const { code, stderr } = await run(['services'], { env: { ...env, FAIRLEAD_LOG_FORMAT: 'xml' } })
    expect(code).toBe(2)
    expect(stderr).toContain('bad FAIRLEAD_LOG_FORMAT "xml"')
  })
})
