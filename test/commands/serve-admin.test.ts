import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ServeState } from '../../src/core/admin/serve/state.js'
import { connect, type Fairlead } from '../../src/index.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { ask, bearer } from '../admin/support.js'
import { RawClient } from '../control-plane/grpclb/support.js'
import { AdsClient } from '../control-plane/xds/support/ads-client.js'
import { run, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { freePort } from '../support/real-etcd.js'

const TOKEN = 'a-token-of-some-length'

let registry: TestRegistry
let fairlead: Fairlead
beforeAll(async () => {
  registry = await startRegistry()
  fairlead = await connect({ endpoints: [registry.endpoint] })
})
afterAll(async () => {
  await fairlead.close()
  await registry.close()
})

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fl-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function startServe(args: readonly string[], endpoints = registry.endpoint) {
  const runtime = await temporary()
  const cli = start(['serve', '--endpoints', endpoints, ...args], { env: { XDG_RUNTIME_DIR: runtime } })
  await cli.waitForLine(/^listening/)
  const port = async (what: string) =>
    Number((await cli.waitForLine(new RegExp(`^${what}://[^:]*:\\d+`))).replace(/^.*:/, ''))
  return {
    ...{ cli, folder: join(runtime, 'fairlead') },
    port: (protocol: 'grpclb' | 'xds') => port(`listening ${protocol}`),
    admin: () => port('admin http'),
  }
}

async function stateOf(where: number | string): Promise<ServeState> {
  const { status, json } = await ask(where, '/state')
  expect(status).toBe(200)
  return json as unknown as ServeState
}

describe('fairlead serve --admin', () => {
  it('shows what is told to whom, in JSON, in events and in metrics', async () => {
    await fairlead.register('shown', '10.0.0.1:80', { weight: 3, zone: 'a' })
    const drained = await fairlead.register('shown', '10.0.0.2:80')
    const { cli, port, admin } = await startServe(['--grpclb', '0', '--xds', '0', '--admin', '0', '--zone', 'a'])
    const at = await admin()
    await eventually(async () => (await ask(at, '/readyz')).status === 200)
    const lookaside = new RawClient(`127.0.0.1:${await port('grpclb')}`).ask('shown')
    onTestFinished(() => lookaside.close())
    const xds = new AdsClient(await port('xds'))
    onTestFinished(() => xds.close())
    await eventually(() => lookaside.lists.length > 0)
    const { version } = await xds.follow('endpoints', ['shown'], { id: 'me' })
    await fairlead.setEndpoint('shown', '10.0.0.2:80', { state: 'drain' })
    const { nonce } = await xds.response(1)
    const refusal = { resource_names: ['shown'], response_nonce: nonce, error_detail: { code: 3, message: 'no good' } }
    xds.send('endpoints', refusal)
    lookaside.report({ num_calls_started: 9, num_calls_finished: 9 })
    await cli.waitForLine(/^nack by .*no good$/)
    await eventually(async () => (await stateOf(at)).services[0]?.load.requests === 9)

    const state = await stateOf(at)
    expect(state).toMatchObject({
      process: { kind: 'serve', pid: cli.pid, ready: true, actions: null },
      listeners: [{ protocol: 'grpclb' }, { protocol: 'xds' }],
      registry: { state: 'live' },
      streams: { grpclb: 1, xds: 1, lrs: 0 },
    })
    expect(state.services).toMatchObject([
      {
        ...{ service: 'shown', followers: { grpclb: 1, xds: 1 }, told: { usable: 1, draining: 1, unhealthy: 0 } },
        load: { requests: 9, failed: 0, dropped: 0 },
        endpoints: [
          { address: '10.0.0.1:80', zone: 'a', weight: 3, told: 'usable', toldWeight: 3 },
          { address: '10.0.0.2:80', state: 'drain', told: 'draining' },
        ],
      },
    ])
    expect(state.clients).toMatchObject([
      { protocol: 'grpclb', subscriptions: [{ names: ['shown'] }], load: [{ service: 'shown', requests: 9 }] },
      {
        ...{ protocol: 'xds', client: expect.stringMatching(/ \(me\)$/), lastNack: { reason: 'no good' } },
        subscriptions: [{ type: 'ClusterLoadAssignment', version, rejection: 'no good' }],
      },
    ])

    const { body } = await ask(at, '/metrics')
    expect(body).toMatch(/^fairlead_ready 1$/m)
    expect(body).toMatch(/^fairlead_nacks_total{type="ClusterLoadAssignment",protocol="xds"} 1$/m)
    expect(body).toMatch(/^fairlead_service_requests_total{service="shown"} 9$/m)
    expect(body).toMatch(/^fairlead_propagation_seconds_count{protocol="grpclb"} [1-9]/m)

    const events: string[] = []
    const stop = new AbortController()
    const hearing = fetch(`http://127.0.0.1:${at}/events`, { signal: stop.signal }).then(async ({ body: stream }) => {
      for await (const chunk of stream!) events.push(Buffer.from(chunk).toString())
    })
    await eventually(() => events.join('').includes('"event":"nack"'))
    expect(events.join('')).toMatch(/"event":"joined","protocol":"grpclb"/)
    stop.abort()
    await hearing.catch(() => undefined)
    await drained.close()
  })

  it('answers on a socket for its user alone, takes it away, and opens none with --no-admin', async () => {
    const { cli, folder } = await startServe(['--grpclb', '0'])
    const [name] = await eventually(async () => {
      const names = await readdir(folder).catch(() => [])
      return names.length > 0 && names
    })
    expect(name).toMatch(new RegExp(`^serve-${cli.pid}-\\d+\\.sock$`))
    await eventually(async () => ((await stat(join(folder, name!))).mode & 0o777) === 0o600)
    expect(await stateOf(join(folder, name!))).toMatchObject({ process: { kind: 'serve' } })
    cli.signal()
    expect(await cli.ended).toMatchObject({ code: 0 })
    expect(await readdir(folder)).toEqual([])
    const without = await startServe(['--grpclb', '0', '--no-admin'])
    expect(await readdir(without.folder).catch(() => [])).toEqual([])
  })

  it('is not ready before its registry has answered, and shows why', async () => {
    const port = await freePort()
    const { cli, admin } = await startServe(['--xds', '0', '--admin', '0'], `127.0.0.1:${port}`)
    const at = await admin()
    await cli.waitForLine(/^stale: /)
    const { status, json } = await ask(at, '/readyz')
    expect([status, json['unready']]).toEqual([503, [expect.stringMatching(/^nothing is known of the registry: /)]])
    expect((await stateOf(at)).registry).toMatchObject({ state: 'stale', revision: null })
    const late = await startRegistry({ listen: `127.0.0.1:${port}` })
    onTestFinished(() => late.close())
    await eventually(async () => (await ask(at, '/readyz')).status === 200)
  })

  it('shows its configuration, and to others than this machine only with the token', async () => {
    const token = join(await temporary(), 'token')
    await writeFile(token, `${TOKEN}\n`)
    const flags = ['--grpclb', '0', '--admin', '0.0.0.0:0', '--admin-token-file', token, '--report-interval', '2s']
    const { admin } = await startServe(flags)
    const at = await admin()
    expect((await ask(at, '/config')).status).toBe(401)
    const { json, body } = await ask(at, '/config', { headers: bearer(TOKEN) })
    expect(json['serve']).toEqual({
      ...{ 'grpclb': '0', 'admin': '0.0.0.0:0', 'admin-token-file': token, 'report-interval': '2s' },
    })
    expect(body).not.toContain(TOKEN)
  })

  it('is no place for fairlead top, which says so', async () => {
    const { admin } = await startServe(['--grpclb', '0', '--admin', '0'])
    const { code, stderr } = await run(['top', '--once', `127.0.0.1:${await admin()}`])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/a control plane answers.*\n.*GET \/state/)])
  })

  it.each([
    [['--admin', '0.0.0.0:9090'], /open to whoever can reach it/],
    [['--admin', '9090', '--no-admin'], /exclude each other/],
    [['--admin-token-file', '/dev/null'], /has no effect without --admin/],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await run(['serve', '--grpclb', '0', ...flags])
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  })

  it('refuses a token that nobody would have to show', async () => {
    const token = join(await temporary(), 'token')
    await writeFile(token, TOKEN)
    const { code, stderr } = await run(['serve', '--grpclb', '0', '--admin', '9090', '--admin-token-file', token])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--admin-token-file has no effect: /)])
  })

  it('does not start where the address of the admin endpoint is taken', async () => {
    const taken = registry.endpoint.replace(/^.*:\/\//, '')
    const { code, stderr } = await run(['serve', '--grpclb', '0', '--admin', taken])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/admin: .* is in use/)])
    expect(stderr).not.toMatch(/^listening/m)
  })
})
