import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { connect, type Fairlead } from '../../src/core/fairlead.js'
import { eventually } from '../support/eventually.js'
import { type LoadReporter, startLoadReporter } from '../support/load-reporter.js'
import { describeWithPeers } from '../support/peers.js'
import { type RealEtcd, startRealEtcd } from '../support/real-etcd.js'

const MODULE = fileURLToPath(new URL('go-clientv3', import.meta.url))
/** The first build fetches and compiles the client. */
const BUILD_TIMEOUT_MS = 180_000

describeWithPeers(['go', 'etcd'], 'Go’s naming packages and fairlead on one etcd', () => {
  let directory: string
  let etcd: RealEtcd
  let fairlead: Fairlead
  let go: ChildProcess
  let lines: AsyncIterator<string>
  const servers: LoadReporter[] = []

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairlead-go-'))
    const build = ['build', '-o', join(directory, 'interop'), '.']
    await promisify(execFile)('go', build, { cwd: MODULE, timeout: BUILD_TIMEOUT_MS })
    etcd = await startRealEtcd()
  }, BUILD_TIMEOUT_MS)
  afterAll(async () => {
    await etcd?.close()
    await rm(directory, { recursive: true, force: true })
  })

  beforeEach(async () => {
    fairlead = await connect({ endpoints: [etcd.endpoint] })
    go = spawn(join(directory, 'interop'), [etcd.endpoint, '/ns/greeter'], { stdio: ['pipe', 'pipe', 'inherit'] })
    lines = createInterface({ input: go.stdout! })[Symbol.asyncIterator]()
    for (let i = 0; i < 3; i++) servers.push(await startLoadReporter(1))
  })
  afterEach(async () => {
    await fairlead.close()
    if (go.exitCode === null) {
      const ended = once(go, 'exit')
      go.stdin!.end()
      await ended
    }
    for (const server of servers.splice(0)) server.close()
  })

  async function ask<T>(...words: string[]): Promise<T> {
    go.stdin!.write(`${words.join(' ')}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error('the client has ended')
    return JSON.parse(value) as T
  }
  const addresses = () => servers.map(({ address }) => address)
  const listed = () => ask<Record<string, string>>('list')
  const known = async () => (await fairlead.resolve('greeter')).endpoints

  it('find what fairlead registered, and learn of what comes and goes', async () => {
    const [first, second, third] = addresses()
    const described = { weight: 3, zone: 'a', load: 0.5, meta: { version: '1.4' } }
    await fairlead.register('greeter', first!, described)
    const leaving = await fairlead.register('greeter', second!)
    expect(await listed()).toEqual({ [`/ns/greeter/${first}`]: first, [`/ns/greeter/${second}`]: second })
    await eventually(async () => expect(await ask('call')).toEqual([first, second].sort()))
    await fairlead.register('greeter', third!)
    await eventually(async () => expect(await ask('call')).toEqual([...addresses()].sort()))
    await leaving.close()
    await eventually(async () => expect(await ask('call')).toEqual([first, third].sort()))
    expect(Object.values(await listed()).sort()).toEqual([first, third].sort())
  })

  it('take no lookaside balancer, service config or tombstone for a server', async () => {
    const [first, second, third] = addresses()
    await fairlead.register('greeter', first!)
    await fairlead.register('greeter', second!, { role: 'balancer' })
    await fairlead.setServiceConfig('greeter', { loadBalancingConfig: [{ round_robin: {} }] })
    const gone = await fairlead.register('greeter', third!)
    await gone.close()
    expect(await listed()).toEqual({ [`/ns/greeter/${first}`]: first })
    expect(await ask('call')).toEqual([first])
    await fairlead.setServiceConfig('greeter', undefined)
  })

  it('register what fairlead finds, balances over and sees leave', async () => {
    const [first, second, third] = addresses()
    await ask('add', first!)
    await ask('add', second!, '"v1"')
    await ask('add', third!, '{"weight":5,"zone":"b"}')
    expect(await known()).toMatchObject(
      [
        { address: first, id: first, weight: 1, state: 'ready' },
        { address: second, weight: 1 },
        { address: third, weight: 5, zone: 'b' },
      ].sort((a, b) => (a.address! < b.address! ? -1 : 1)),
    )
    const balancer = await fairlead.balance('greeter', { policy: 'round_robin' })
    const picked = () => new Set(Array.from({ length: 6 }, () => balancer.pick().endpoint.address))
    expect(picked()).toEqual(new Set(addresses()))
    await ask('delete', first!)
    await eventually(() => expect(picked()).toEqual(new Set([second, third])))
    await ask('revoke', second!)
    expect((await known()).map(({ address }) => address)).toEqual([third])
    await ask('delete', third!)
    expect(await known()).toEqual([])
  })
})
