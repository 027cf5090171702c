import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, type MethodDefinition } from '@grpc/grpc-js'
import { service as healthDefinition } from 'grpc-health-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connect, type Fairlead } from '../../src/index.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { RawClient } from '../control-plane/grpclb/support.js'
import { call, client } from '../control-plane/serving/setup.js'
import { makeCertificates } from '../support/certificates.js'
import { run, start } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { freePort } from '../support/real-etcd.js'

const health = healthDefinition as unknown as Record<'Check', MethodDefinition<object, object>>

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

async function startServe(...args: string[]) {
  const cli = start(['serve', '--endpoints', registry.endpoint, '-o', 'ndjson', ...args])
  const first = JSON.parse(await cli.waitForLine(/^\{/)) as { listen: string }
  return { cli, first, listen: first.listen, address: first.listen.replace(/^.*:\/\//, '') }
}

function ask(address: string, service: string): RawClient {
  const asking = new RawClient(address).ask(service)
  onTestFinished(() => asking.close())
  return asking
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-serve-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

describe('fairlead serve', () => {
  it('says where it listens, to people and to programs, and tells clients their servers as they come and go', async () => {
    const { cli, first, listen, address } = await startServe('--grpclb', '0')
    expect(first).toEqual({ schemaVersion: 1, event: 'listening', protocol: 'grpclb', listen })
    expect(listen).toMatch(/^grpclb:\/\/127\.0\.0\.1:[1-9]\d*$/)
    expect(cli.stderr).toContain(`listening ${listen}\n`)

    const one = await fairlead.register('coming', '10.0.0.1:80')
    const { lists } = await startAsking(address, 'coming', '1')
    expect(lists()).toEqual(['1'])
    const two = await fairlead.register('coming', '10.0.0.2:80')
    await eventually(() => lists().at(-1) === '1 2')
    await one.close()
    await eventually(() => lists().at(-1) === '2')
    await two.close()
    const joined = JSON.parse(await cli.waitForLine(/"event":"joined"/)) as object
    expect(joined).toMatchObject({ schemaVersion: 1, protocol: 'grpclb', service: 'coming' })
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('ends its streams and itself at %s, with status 0', async (signal) => {
    const { cli, address } = await startServe('--grpclb', '0')
    const asking = ask(address, 'nobody')
    await eventually(() => asking.responses.length > 0)
    cli.signal(signal)
    const { code, stderr } = await cli.ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/^draining$[^]*^stopped$/m)
    await eventually(() => asking.status !== undefined)
    expect(asking.status).toMatchObject({ code: 14 })
  })

  it('takes out endpoints that fail their checks', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    onTestFinished(() => void server.close())
    const dead = await freePort()
    const both = await Promise.all([port, dead].map((each) => fairlead.register('checked', `127.0.0.1:${each}`)))
    onTestFinished(async () => {
      await Promise.all(both.map((each) => each.close()))
    })
    const { cli, address } = await startServe('--grpclb', '0', '--health-check', 'tcp', '--health-interval', '200ms')
    const asking = ask(address, 'checked')
    const event = JSON.parse(await cli.waitForLine(/"event":"health"/)) as object
    expect(event).toMatchObject({ service: 'checked', address: `127.0.0.1:${dead}`, health: 'unhealthy' })
    await cli.waitForLine(new RegExp(`^unhealthy 127\\.0\\.0\\.1:${dead} of checked: .*ECONNREFUSED`))
    await eventually(() => asking.lists.at(-1) === '1')
    const [last] = asking.responses.slice(-1)
    expect(last!.server_list!.servers.map((each) => each.port)).toEqual([port])
  })

  it('starts without its registry, and answers when that comes', async () => {
    const port = await freePort()
    const cli = start(['serve', '--endpoints', `127.0.0.1:${port}`, '--grpclb', '0'])
    const address = (await cli.waitForLine(/^listening/)).replace(/^.*:\/\//, '')
    const check = () => call(client(address), health.Check, { service: 'grpc.lb.v1.LoadBalancer' })
    expect(await check()).toEqual({ status: 'NOT_SERVING' })
    const asking = ask(address, 'late')
    await cli.waitForLine(/^stale: .*; going on with what is known$/)
    const late = await startRegistry({ listen: `127.0.0.1:${port}` })
    onTestFinished(() => late.close())
    const writer = await connect({ endpoints: [late.endpoint] })
    onTestFinished(() => writer.close())
    await writer.register('late', '10.0.0.7:80')
    await eventually(() => asking.lists.at(-1) === '7')
    await cli.waitForLine(/^live: the registry is back$/)
    expect(await check()).toEqual({ status: 'SERVING' })
  })

  it('answers from its snapshot file when it restarts without its registry', async () => {
    const own = await startRegistry()
    const writer = await connect({ endpoints: [own.endpoint] })
    onTestFinished(() => writer.close())
    await writer.register('kept', '10.0.0.8:80')
    const file = join(await temporaryDirectory(), 'snapshot.json')
    const args = ['serve', '--endpoints', own.endpoint, '--grpclb', '0', '--snapshot', file]
    const first = start(args)
    const before = ask((await first.waitForLine(/^listening/)).replace(/^.*:\/\//, ''), 'kept')
    await eventually(() => before.lists.at(-1) === '8')
    await eventually(async () => (await readFile(file, 'utf8')).includes('10.0.0.8:80'))
    first.signal('SIGTERM')
    expect((await first.ended).code).toBe(0)
    await own.close()

    const second = start(args)
    const address = (await second.waitForLine(/^listening/)).replace(/^.*:\/\//, '')
    expect(await call(client(address), health.Check, { service: '' })).toEqual({ status: 'SERVING' })
    const after = ask(address, 'kept')
    await eventually(() => after.lists.at(-1) === '8')
  })

  it('speaks TLS, and to those only whose certificate it can check', async () => {
    const certificates = await makeCertificates()
    onTestFinished(() => certificates.remove())
    const { ca, client: pair, files } = certificates
    const { address } = await startServe(
      ...['--grpclb', '0', '--tls-cert', files.cert, '--tls-key', files.key, '--tls-client-ca', files.ca],
    )
    const known = client(address, credentials.createSsl(ca, pair.key, pair.cert))
    await eventually(async () =>
      expect(await call(known, health.Check, { service: '' })).toEqual({ status: 'SERVING' }),
    )
    const stranger = client(address, credentials.createSsl(ca))
    await expect(call(stranger, health.Check, { service: '' })).rejects.toMatchObject({ code: 14 })
    await expect(call(client(address), health.Check, { service: '' })).rejects.toMatchObject({ code: 14 })
  })

  it.each([
    [[], /nothing to listen on/],
    [['--grpclb', 'x:y'], /bad listen address "x:y"/],
    [['--grpclb', '0', '--tls-cert', 'cert.pem'], /--tls-cert has no effect: it has no key/],
    [['--grpclb', '0', '--tls-client-ca', 'ca.pem'], /--tls-client-ca has no effect/],
    [['--grpclb', '0', '--health-interval', '1s'], /--health-interval has no effect/],
    [['--grpclb', '0', '--health-check', 'ping'], /bad check "ping"/],
    [['--grpclb', '0', '--report-interval', 'often'], /--report-interval/],
    [['--grpclb', '0', '--report-interval', '500ms'], /at least 1 s: 500 ms/],
    [['--grpclb', '0', '--tls-cert', '/none.pem', '--tls-key', '/none.pem'], /cannot read \/none\.pem/],
  ])('refuses %j, with status 2', async (args, message) => {
    const { code, stderr } = await run(['serve', ...args])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  it('says that a port is taken, with status 1', async () => {
    const { address } = await startServe('--grpclb', '0')
    const { code, stderr } = await run(['serve', '--grpclb', address])
    expect(stderr).toContain(`${address} is already in use`)
    expect(code).toBe(1)
  })
})

async function startAsking(address: string, service: string, first: string) {
  const asking = ask(address, service)
  await eventually(() => asking.lists.at(-1) === first)
  return { lists: () => asking.lists }
}
