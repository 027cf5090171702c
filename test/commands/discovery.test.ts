import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import type { Store } from '../../src/core/registry/store.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { run as runCli, start as startCli } from '../support/cli.js'

const RUN_JS = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

let registry: TestRegistry
let store: Store
let env: Record<string, string>

beforeEach(async () => {
  registry = await startRegistry()
  store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
  env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
})
afterEach(async () => {
  await store.close()
  await registry.close()
})

const run = (...args: string[]) => runCli(args, { env })
const start = (...args: string[]) => startCli(args, { env })

async function put(key: string, value = '', lease = 0n): Promise<void> {
  await store.txn({ then: [{ type: 'put', key: `/ns/${key}`, value, lease }] })
}

async function remove(key: string): Promise<void> {
  await store.txn({ then: [{ type: 'delete', key: `/ns/${key}` }] })
}

function record(address: string, metadata: Record<string, unknown>): string {
  return JSON.stringify({ Op: 0, Addr: address, Metadata: metadata })
}

function json(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}

async function putWeb(): Promise<bigint> {
  const { id } = await store.grantLease(60)
  const meta = { version: '1.4' }
  const ready = { id: 'one', weight: 3, zone: 'a', state: 'ready', role: 'server', meta }
  await put('web/10.0.0.5:8080', record('10.0.0.5:8080', ready), id)
  await put('web/10.0.0.6:8080', record('10.0.0.6:8080', { state: 'drain', zone: 'b' }))
  await put('web/10.0.0.7:8080', record('10.0.0.7:8080', { weight: 0, zone: 'b' }))
  await put('.balancers/web/10.0.0.9:80')
  await put('web/x', '{')
  return id
}

describe('fairlead resolve', () => {
  it('answers as the contract says', async () => {
    const lease = await putWeb()
    const { code, stdout } = await run('resolve', 'web', '--json')
    expect(code).toBe(0)
    expect(json(stdout)).toEqual({
      schemaVersion: 1,
      service: 'web',
      revision: '6',
      stale: false,
      endpoints: [
        {
          id: 'one',
          address: '10.0.0.5:8080',
          host: '10.0.0.5',
          port: 8080,
          weight: 3,
          zone: 'a',
          state: 'ready',
          role: 'server',
          meta: { version: '1.4' },
          lease: lease.toString(16),
        },
        {
          id: '10.0.0.7:8080',
          address: '10.0.0.7:8080',
          host: '10.0.0.7',
          port: 8080,
          weight: 0,
          zone: 'b',
          state: 'ready',
          role: 'server',
          meta: {},
        },
      ],
      skipped: [{ key: '/ns/web/x', reason: expect.stringContaining('JSON') }],
    })
  })

  it.each([
    [[], ['10.0.0.5:8080', '10.0.0.7:8080']],
    [['--all'], ['10.0.0.5:8080', '10.0.0.6:8080', '10.0.0.7:8080', '10.0.0.9:80']],
    [['--zone', 'b'], ['10.0.0.7:8080']],
    [['-l', 'version=1.4'], ['10.0.0.5:8080']],
    [['-l', 'version!=1.4'], ['10.0.0.7:8080']],
  ])('with %j lists %j, one address a line', async (flags, addresses) => {
    await putWeb()
    expect((await run('resolve', 'web', '-o', 'plain', ...flags)).stdout).toBe(`${addresses.join('\n')}\n`)
  })

  it('explains each record, and where it was read', async () => {
    await putWeb()
    await put('.config/web', '{"loadBalancingConfig":[{"random":{}}]}')
    const { stdout } = await run('resolve', 'web', '--explain', '--json')
    const { endpoints, explain } = json(stdout) as { endpoints: { ttl?: number }[]; explain: Record<string, unknown> }
    expect(endpoints[0]!.ttl).toBeGreaterThan(0)
    expect(explain).toMatchObject({
      read: [{ key: '/ns/web/', keys: 4 }, { key: '/ns/.balancers/web/', keys: 1 }, { key: '/ns/.config/web' }],
      serviceConfig: { loadBalancingConfig: [{ random: {} }] },
      endpoints: [
        { address: '10.0.0.5:8080', included: true },
        { address: '10.0.0.6:8080', included: false, reason: 'is draining' },
        { address: '10.0.0.7:8080', included: true, reason: expect.stringContaining('weight 0') as string },
        { address: '10.0.0.9:80', included: false, reason: 'is a balancer' },
      ],
      policy: { name: 'random', from: 'service_config' },
    })
    expect((explain.endpoints as { ttl?: number }[])[0]!.ttl).toBeGreaterThan(0)
  })

  it('explains in a table what does not count, what is left of leases, and why a policy is not in use', async () => {
    await putWeb()
    await put('web/twin', '10.0.0.7:8080')
    await put('.config/web', '{"loadBalancingConfig":[{"fastest":{}}]}')
    const { stdout, stderr } = await run('resolve', 'web', '--explain')
    expect(stdout).toMatch(/^10\.0\.0\.5:8080 +in .* \d+s of 60s +\/ns\/web\/10\.0\.0\.5:8080$/m)
    expect(stdout).toMatch(/^10\.0\.0\.6:8080 +out: is draining .* no lease /m)
    expect(stdout).toMatch(/^\/ns\/web\/x +out: the value is not JSON/m)
    expect(stdout).toMatch(/^\/ns\/web\/10\.0\.0\.7:8080 +out: repeats the address .* \/ns\/web\/twin/m)
    expect(stdout).toMatch(/^policy +weighted_round_robin: the default, since .* cannot be used: .*"fastest"/m)
    expect(stderr).toBe('')
    expect((await run('pick', 'web', '--explain')).stdout).toMatch(
      /^10\.0\.0\.5:8080 +in: ready +\d+s of 60s[^]*repeats the address[^]*^policy .*"fastest"/m,
    )
  })

  it('exits 3 for an unknown service, and where nothing usable is left, with the reason', async () => {
    expect(json((await run('resolve', 'web', '--json')).stdout)).toMatchObject({
      error: { code: 'NOT_FOUND', exit: 3 },
    })
    await put('web/10.0.0.6:8080', record('10.0.0.6:8080', { state: 'drain' }))
    const { code, stderr } = await run('resolve', 'web')
    expect(code).toBe(3)
    expect(stderr).toContain('1 is draining; --all shows')
    expect((await run('resolve', 'web', '--explain')).code).toBe(3)
  })

  it('exits 4 without a registry and 2 for what cannot be meant', async () => {
    await registry.close()
    expect((await run('resolve', 'web')).code).toBe(4)
    expect((await run('resolve', '.gone')).code).toBe(2)
    expect((await run('resolve', 'web', '-l', 'x')).code).toBe(2)
  })

  it('lets no record write to the terminal', async () => {
    await put('web/10.0.0.5:8080', record('10.0.0.5:8080', { zone: '\u001b[31mred', meta: { a: '\u202e' } }))
    for (const output of ['table', 'wide', 'json', 'yaml']) {
      expect((await run('resolve', 'web', '-o', output)).stdout).not.toMatch(/[\u001b\u202e]/)
    }
  })
})

describe('fairlead services', () => {
  it('counts endpoints and ready servers, whatever else lies below the prefix', async () => {
    await putWeb()
    await put('api/10.0.0.1:1')
    await put('.gone/old/10.0.0.1:1')
    await put('.config/web', '{}')
    expect(json((await run('services', '--json')).stdout)).toMatchObject({
      schemaVersion: 1,
      services: [
        { service: 'api', endpoints: 1, ready: 1 },
        { service: 'web', endpoints: 4, ready: 2 },
      ],
    })
    expect((await run('services', '-o', 'plain')).stdout).toBe('api\nweb\n')
  })

  it('says that there are none', async () => {
    expect(await run('services')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('no services') })
  })
})

describe('fairlead wait', () => {
  it('ends when enough endpoints are there', async () => {
    const cli = start('wait', 'web', '--for', 'endpoints=2', '-o', 'plain')
    await put('web/10.0.0.5:8080')
    await put('web/10.0.0.6:8080')
    expect(await cli.ended).toMatchObject({ code: 0, stdout: '10.0.0.5:8080\n10.0.0.6:8080\n' })
  })

  it('ends when one is healthy, and exits 124 telling why none is', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await put(`web/127.0.0.1:${port}`)
    expect((await run('wait', 'web', '--for', 'healthy=1')).code).toBe(0)
    server.close()
    const { code, stderr } = await run('wait', 'web', '--for', 'healthy=1', '--timeout', '1500ms')
    expect(code).toBe(124)
    expect(stderr).toContain('ECONNREFUSED')
  })

  it('ends when a service is gone, and waits for a registry that is away', async () => {
    expect((await run('wait', 'web', '--for', 'gone')).code).toBe(0)
    await registry.close()
    const { code, stdout } = await run('wait', 'web', '--for', 'gone', '--timeout', '1s', '--json')
    expect(code).toBe(124)
    expect(json(stdout)).toMatchObject({ error: { code: 'TIMEOUT', exit: 124 } })
  })

  it('refuses a condition it does not know', async () => {
    expect((await run('wait', 'web', '--for', 'ready=1')).code).toBe(2)
  })
})

describe('fairlead watch', () => {
  it('writes a snapshot, then a line for each change, and ends after --count', async () => {
    await put('web/10.0.0.5:8080')
    const cli = start('watch', 'web', '-o', 'ndjson', '--count', '3')
    await cli.waitForLine(/"snapshot"/)
    await put('web/10.0.0.6:8080')
    await remove('web/10.0.0.5:8080')
    const { code, stdout } = await cli.ended
    expect(code).toBe(0)
    expect(stdout.trim().split('\n').map(json)).toMatchObject([
      { schemaVersion: 1, type: 'snapshot', service: 'web', revision: '2', endpoints: [{ address: '10.0.0.5:8080' }] },
      { schemaVersion: 1, type: 'put', service: 'web', revision: '3', endpoint: { address: '10.0.0.6:8080' } },
      { type: 'delete', revision: '4', reason: 'deleted', time: expect.stringMatching(/Z$/), endpoint: { port: 8080 } },
    ])
  })

  it('watches all services without a name, and tells when the registry goes', async () => {
    await put('web/10.0.0.5:8080')
    await put('api/10.0.0.5:9090')
    const cli = start('watch', '-o', 'json')
    await cli.waitForLine(/"service":"web"/)
    expect(cli.stdout.trim().split('\n').map(json)).toMatchObject([{ service: 'api' }, { service: 'web' }])
    await registry.close()
    expect(json(await cli.waitForLine(/"stale"/))).toMatchObject({ service: null, error: { code: 'UNAVAILABLE' } })
    cli.signal('SIGINT')
    expect(await cli.ended).toMatchObject({ code: 0 })
  })

  it('runs a command for each line, with what happened in its environment and on its stdin', async () => {
    await put('web/10.0.0.5:8080')
    const cli = start('watch', 'web', '--count', '2', '--exec', 'echo "[$FAIRLEAD_EVENT $FAIRLEAD_ADDRESS]"; cat')
    await cli.waitForLine(/\[snapshot \]/)
    await put('web/10.0.0.6:8080')
    const { code, stdout } = await cli.ended
    expect(code).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines[2]).toBe('[put 10.0.0.6:8080]')
    expect(json(lines[3]!)).toMatchObject({ schemaVersion: 1, type: 'put', service: 'web' })
  })

  it('ends with its time, status 0', async () => {
    expect((await run('watch', 'web', '--timeout', '500ms')).code).toBe(0)
  })

  // Needs GNU tail.
  it.runIf(process.platform === 'linux')(
    'ends when the reader of its output goes, although nothing more happens',
    async () => {
      await put('web/10.0.0.5:8080')
      const pipeline = `"${process.execPath}" "${RUN_JS}" watch web -o json | head -n 1`
      const shell = spawn('sh', ['-c', pipeline], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const timer = setTimeout(() => shell.kill('SIGKILL'), 20_000)
      const [code] = (await once(shell, 'exit')) as [number | null]
      clearTimeout(timer)
      expect(code).toBe(0)
    },
  )
})
