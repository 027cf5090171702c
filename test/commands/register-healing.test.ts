import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { run, type RunningCli, start } from '../support/cli.js'
import { etcdctl, valueOf } from '../support/etcdctl.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'
import { freePort, type RealEtcd, startRealEtcd } from '../support/real-etcd.js'

const ADDRESS = '10.0.0.5:8080'
const KEY = `/ns/web/${ADDRESS}`
const registered = /^registered web 10\.0\.0\.5:8080 lease=[0-9a-f]+ ttl=\d+s$/

describeWithPeers(['etcd', 'etcdctl'], 'a registration in trouble', () => {
  const closing: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  async function setUp(...args: string[]): Promise<RealEtcd> {
    const etcd = await startRealEtcd({ args })
    closing.push(() => etcd.close())
    return etcd
  }

  const register = ({ endpoint }: { endpoint: string }, ...args: string[]) =>
    start(['register', 'web', ADDRESS, '--id', 'one', '--ttl', '3s', ...args], {
      env: { FAIRLEAD_ENDPOINTS: endpoint },
    })

  const isBack = (etcd: RealEtcd) => eventually(async () => (await valueOf(etcd, KEY))?.includes('"id":"one"') ?? false)

  async function lease(cli: RunningCli): Promise<string> {
    return /lease=(\w+)/.exec(await cli.waitForLine(registered))![1]!
  }

  it('is back after its lease was revoked and after its key was deleted', async () => {
    const etcd = await setUp()
    const cli = register(etcd)
    const first = await lease(cli)
    await etcdctl(etcd, 'lease', 'revoke', first)
    await isBack(etcd)
    await etcdctl(etcd, 'del', KEY)
    await isBack(etcd)
    expect(cli.stderr.match(/^registered/gm)!.length).toBeGreaterThanOrEqual(2)
  })

  it('and its child live through an etcd that is killed for longer than the TTL and comes back', async () => {
    const etcd = await setUp()
    const cli = register(etcd, '--', 'sleep', '20')
    await cli.waitForLine(registered)
    await etcd.kill('SIGKILL')
    await cli.waitForLine(/^lost web/)
    expect(cli.child.exitCode).toBeNull()
    await etcd.start()
    await isBack(etcd)
    await eventually(() => (cli.stderr.match(/^registered/gm)?.length ?? 0) >= 2)
    // Kept from here on: the record outlives its TTL.
    await pause(4000)
    expect(await valueOf(etcd, KEY)).toContain('"id":"one"')
    cli.signal()
    expect((await cli.ended).code).toBe(143)
    expect(await valueOf(etcd, KEY)).toBeUndefined()
  })

  it('is back after the data directory was wiped', async () => {
    const etcd = await setUp()
    for (let i = 0; i < 20; i++) await etcdctl(etcd, 'put', '/other', String(i))
    const cli = register(etcd)
    await cli.waitForLine(registered)
    await etcd.kill('SIGKILL')
    await etcd.wipe()
    await etcd.start()
    await isBack(etcd)
    await etcdctl(etcd, 'del', KEY)
    await isBack(etcd)
  })

  it('waits for an etcd that is down at the start, with its child running', async () => {
    const etcd = await setUp()
    await etcd.kill('SIGKILL')
    const cli = register(etcd, '--', 'sh', '-c', 'echo up; exec sleep 20')
    await cli.waitForLine(/^up$/)
    await cli.waitForLine(/^retrying web/)
    await etcd.start()
    await cli.waitForLine(registered)
    await isBack(etcd)
    cli.signal()
    await cli.ended
  })

  it('is back after its process was stopped for longer than the TTL', async () => {
    const etcd = await setUp()
    const cli = register(etcd)
    await cli.waitForLine(registered)
    cli.signal('SIGSTOP')
    await eventually(async () => (await valueOf(etcd, KEY)) === undefined)
    cli.signal('SIGCONT')
    await isBack(etcd)
  })

  it('ends within seconds when it is stopped while etcd is away', async () => {
    const etcd = await setUp()
    const cli = register(etcd, '--', 'sleep', '20')
    await cli.waitForLine(registered)
    await etcd.kill('SIGKILL')
    cli.signal()
    expect((await cli.ended).code).toBe(143)
  })

  it('gives up if so asked, with status 6, and stops the child', async () => {
    const endpoint = `127.0.0.1:${await freePort()}`
    const result = await run(
      ['register', 'web', ADDRESS, '--endpoints', endpoint, '--give-up-after', '1s', '--', 'sleep', '20'],
      { env: {} },
    )
    expect(result).toMatchObject({ code: 6, stderr: expect.stringMatching(/gave up on 10\.0\.0\.5:8080/) })
  })

  it('fails without etcd where it cannot wait, with status 4', async () => {
    const endpoint = `127.0.0.1:${await freePort()}`
    for (const args of [
      ['register', 'web', ADDRESS, '--once'],
      ['register', 'web', ADDRESS, '--permanent'],
      ['deregister', 'web', '--all'],
    ]) {
      expect((await run([...args, '--endpoints', endpoint])).code).toBe(4)
    }
  })

  it('fails with status 5 and a hint for a wrong password', async () => {
    const etcd = await setUp()
    await etcdctl(etcd, 'user', 'add', 'root:secret')
    await etcdctl(etcd, 'user', 'grant-role', 'root', 'root').catch(() => etcdctl(etcd, 'role', 'add', 'root'))
    await etcdctl(etcd, 'auth', 'enable')
    const env = { FAIRLEAD_ENDPOINTS: etcd.endpoint, FAIRLEAD_USER: 'root', FAIRLEAD_PASSWORD: 'wrong' }
    const denied = await run(['register', 'web', ADDRESS], { env })
    expect(denied).toMatchObject({ code: 5, stderr: expect.stringMatching(/^hint: /m) })
    const cli = start(['register', 'web', ADDRESS], { env: { ...env, FAIRLEAD_PASSWORD: 'secret' } })
    await cli.waitForLine(registered)
  })
})
