import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { AdminState, ListenerView } from '../../src/core/admin/proxy/state.js'
import { startRegistry } from '../../src/testing.js'
import { ask, asJson, bearer } from '../admin/support.js'
import { cleanUp, cleanup } from '../proxy/support.js'
import { type CliOptions, run, type RunningCli, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'

afterEach(cleanUp)

const TOKEN = 'a-token-of-some-length'

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fl-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A server that answers every request. */
async function startBackend(): Promise<string> {
  const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => server.close())
  cleanup(() => server.closeAllConnections())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function startProxy(args: string[], options: CliOptions = {}) {
  const runtime = await temporary()
  const env = { ...options.env, XDG_RUNTIME_DIR: runtime }
  const cli = start(['proxy', ...args], { ...options, env })
  const folder = join(runtime, 'fairlead')
  await cli.waitForLine(/^listening/)
  return { cli, folder }
}

const adminPort = async (cli: RunningCli) => Number(/:(\d+)$/.exec(await cli.waitForLine(/^admin http/))![1])
const proxyPort = (cli: RunningCli) => Number(/^listening http:\/\/127\.0\.0\.1:(\d+)/m.exec(cli.stderr)![1])
const socketsIn = (folder: string) => readdir(folder).catch(() => [])
const firstSocket = async (folder: string) => {
  const [name] = await eventually(async () => {
    const names = await socketsIn(folder)
    return names.length > 0 && names
  })
  return join(folder, name!)
}

async function stateOf(where: number | string): Promise<AdminState> {
  const { status, json } = await ask(where, '/state')
  expect(status).toBe(200)
  return json as unknown as AdminState
}
const listenerOf = async (where: number | string): Promise<ListenerView> => (await stateOf(where)).listeners[0]!

function fetchOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!))
    })
    request.on('error', reject)
  })
}

describe('fairlead proxy', () => {
  it('opens a socket for its user alone in the runtime folder, by its pid and port, and takes it away', async () => {
    const { cli, folder } = await startProxy([`http://:0=${await startBackend()}`])
    const path = await firstSocket(folder)
    expect(path).toBe(join(folder, `proxy-${cli.pid}-${proxyPort(cli)}.sock`))
    // It is closed to others a moment after it is there; the folder always is.
    await eventually(async () => ((await stat(path)).mode & 0o777) === 0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    await fetchOnce(proxyPort(cli))
    expect(await listenerOf(path)).toMatchObject({ source: 'static', requests: { total: 1 }, eligible: 1 })
    expect(await stateOf(path)).toMatchObject({ process: { kind: 'proxy', pid: cli.pid, actions: null } })
    cli.signal()
    expect(await cli.ended).toMatchObject({ code: 0 })
    expect(await socketsIn(folder)).toEqual([])
  })

  it('takes away the socket of a proxy that was killed', async () => {
    const target = `http://:0=${await startBackend()}`
    const { cli: killed, folder } = await startProxy([target])
    const left = await firstSocket(folder)
    killed.signal('SIGKILL')
    await killed.ended
    expect(await socketsIn(folder)).toHaveLength(1)
    start(['proxy', target], { env: { XDG_RUNTIME_DIR: join(folder, '..') } })
    await eventually(async () => (await socketsIn(folder)).some((name) => join(folder, name) !== left))
    expect(await socketsIn(folder)).not.toContain(left.slice(folder.length + 1))
  })

  it('opens none with --no-admin, and goes on without one where none can be had', async () => {
    const target = `http://:0=${await startBackend()}`
    const { cli, folder } = await startProxy([target, '--no-admin'])
    expect(await fetchOnce(proxyPort(cli))).toBe(200)
    expect(await socketsIn(folder)).toEqual([])
    const file = join(await temporary(), 'file')
    await writeFile(file, '')
    const env = { XDG_RUNTIME_DIR: file, TMPDIR: file }
    const without = start(['proxy', target, '--log-level', 'info'], { env })
    await without.waitForLine(/no admin socket/)
    expect(await fetchOnce(proxyPort(without))).toBe(200)
  })

  it('shows metrics, readiness and its configuration on --admin, and says where that is', async () => {
    const key = join(await temporary(), 'key')
    await writeFile(key, 'a-key-nobody-may-see')
    const target = `http://:0=${await startBackend()}`
    const flags = ['--admin', '0', '--retries', '2', '--sticky', '--sticky-key-file', key]
    const { cli } = await startProxy([target, ...flags])
    const port = await adminPort(cli)
    expect((await ask(port, '/readyz')).status).toBe(200)
    expect((await ask(port, '/metrics')).body).toMatch(/^fairlead_ready 1$/m)
    const { json, body } = await ask(port, '/config')
    expect(json['proxy']).toEqual({
      ...{ listen: [target], admin: '0', retries: 2, sticky: 'fairlead' },
      'sticky-key-file': key,
    })
    expect(body).not.toContain('nobody-may-see')
  })

  it('changes registered endpoints, those of its services only, for who shows the token', async () => {
    const registry = await startRegistry()
    cleanup(() => registry.close())
    const env = { FAIRLEAD_ENDPOINTS: registry.endpoint }
    const [address, other] = [await startBackend(), await startBackend()]
    for (const args of [
      ['web', address],
      ['web', other],
      ['db', other],
    ]) {
      expect(await run(['register', ...args, '--permanent'], { env })).toMatchObject({ code: 0 })
    }
    const token = join(await temporary(), 'token')
    await writeFile(token, `${TOKEN}\n`)
    const { cli } = await startProxy(['http://:0=web', '--admin', '0', '--admin-token-file', token], { env })
    const port = await adminPort(cli)
    expect(await stateOf(port)).toMatchObject({ process: { actions: 'token' } })
    const drain = { service: 'web', address, state: 'drain' }
    expect((await ask(port, '/set', asJson(drain))).status).toBe(401)
    const { status, json } = await ask(port, '/set', asJson(drain, bearer(TOKEN)))
    expect([status, json]).toEqual([
      200,
      { schemaVersion: 1, service: 'web', endpoint: { id: expect.any(String), address, weight: 1, state: 'drain' } },
    ])
    await eventually(async () => (await listenerOf(port)).eligible === 1)
    const drained = (await listenerOf(port)).endpoints.find((endpoint) => endpoint.address === address)
    expect(drained).toMatchObject({ state: 'drain', verdict: 'drain', eligible: false, expectedShare: 0 })
    expect((await ask(port, '/set', asJson({ ...drain, service: 'db' }, bearer(TOKEN)))).status).toBe(404)
    expect((await ask(port, '/set', asJson({ ...drain, address: '10.9.9.9:1' }, bearer(TOKEN)))).status).toBe(404)
  })

  it('shows all workers as one', async () => {
    const [a, b] = [await startBackend(), await startBackend()]
    const { cli, folder } = await startProxy([`http://:0=${a},${b}`, '--workers', '2'])
    const path = await firstSocket(folder)
    for (let i = 0; i < 10; i++) expect(await fetchOnce(proxyPort(cli))).toBe(200)
    const state = await stateOf(path)
    expect(state.process.workers).toBe(2)
    const [listener, ...others] = state.listeners
    expect(others).toEqual([])
    expect(listener).toMatchObject({ requests: { total: 10 }, connections: { total: 10 }, eligible: 2 })
    const [first, second] = listener!.endpoints
    expect(first!.picks + second!.picks).toBe(10)
    expect(first!.share + second!.share).toBeCloseTo(1)
    expect(listener!.p50Ms).toBeGreaterThan(0)
  })

  it('goes by the configuration read again, and says that the admin endpoint itself takes a restart', async () => {
    const file = join(await temporary(), 'fairlead.yaml')
    const [a, b] = [await startBackend(), await startBackend()]
    await writeFile(file, `proxy: {listen: ['http://:0=${a}'], admin: '0'}`)
    const { cli } = await startProxy(['--config', file])
    const port = await adminPort(cli)
    await writeFile(file, `proxy: {listen: ['http://:0=${a},${b}'], retries: 3}`)
    cli.signal('SIGHUP')
    await cli.waitForLine(/^reloaded, 1 listener; the admin endpoint takes a restart$/)
    expect((await listenerOf(port)).total).toBe(2)
    expect((await ask(port, '/config')).json['proxy']).toMatchObject({ retries: 3, admin: '0' })
  })

  it.each([
    [['--admin', '0.0.0.0:9090'], /open to whoever can reach it/],
    [['--admin', 'https://localhost:9090'], /bad --admin/],
    [['--admin', '9090', '--no-admin'], /exclude each other/],
    [['--admin-token-file', '/dev/null'], /has no effect without --admin/],
    [['--admin', '9090', '--admin-token-file', '/dev/null'], /holds no secret/],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await run(['proxy', '0=127.0.0.1:1', ...flags])
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
    expect(stderr).toMatch(/^hint: /m)
  })

  it('does not start where the address of the admin endpoint is taken', async () => {
    const taken = await startBackend()
    const { code, stderr } = await run(['proxy', '0=127.0.0.1:1', '--admin', taken])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/admin: .* is in use/)])
    expect(stderr).not.toMatch(/^listening/m)
  })
})
