import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { run, start } from '../support/cli.js'
import { etcdctl, valueOf } from '../support/etcdctl.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'
import { freePort, type RealEtcd, startRealEtcd } from '../support/real-etcd.js'

const ADDRESS = '10.0.0.5:8080'
const KEY = `/ns/web/${ADDRESS}`

describeWithPeers(['etcd', 'etcdctl'], 'fairlead register', () => {
  let etcd: RealEtcd
  let directory: string
  let env: Record<string, string>

  beforeAll(async () => {
    etcd = await startRealEtcd()
    directory = await mkdtemp(join(tmpdir(), 'fairlead-register-'))
    env = { FAIRLEAD_ENDPOINTS: etcd.endpoint }
  })
  afterAll(async () => {
    await etcd?.close()
    if (directory) await rm(directory, { recursive: true, force: true })
  })
  beforeEach(() => etcdctl(etcd, 'del', '--prefix', '/ns/'))

  const register = (...args: string[]) => start(['register', 'web', ADDRESS, ...args], { env })
  const registered = /^registered web 10\.0\.0\.5:8080 lease=[0-9a-f]+ ttl=\d+s$/

  it('writes the record of the contract and says so, to people and to programs', async () => {
    const args = ['--id', 'one', '--weight', '3', '--zone', 'a', '--meta', 'version=1.4', '--ttl', '7s', '-o', 'ndjson']
    const cli = register(...args)
    expect(await cli.waitForLine(registered)).toContain('ttl=7s')
    expect(await valueOf(etcd, KEY)).toBe(
      '{"Op":0,"Addr":"10.0.0.5:8080","Metadata":{"id":"one","weight":3,"zone":"a","state":"ready","role":"server","meta":{"version":"1.4"}}}',
    )
    const event = JSON.parse(cli.stdout.split('\n')[0]!) as Record<string, unknown>
    expect(event).toMatchObject({
      schemaVersion: 1,
      event: 'registered',
      service: 'web',
      address: ADDRESS,
      id: 'one',
      ttl: 7,
    })
    expect(cli.stderr).toContain(`lease=${String(event.lease)} `)
    cli.signal('SIGTERM')
    expect(await cli.ended).toMatchObject({ code: 0 })
    expect(await valueOf(etcd, KEY)).toBeUndefined()
    expect(await valueOf(etcd, `/ns/.gone/web/${ADDRESS}`)).toBe('{"id":"one","reason":"closed"}')
  })

  it('gives the child its arguments in order, its environment, and ends with its status', async () => {
    const script = 'echo "$*"; echo "$FAIRLEAD_SERVICE $FAIRLEAD_ADDRESS $FAIRLEAD_INSTANCE_ID"; exit 42'
    const cli = register('--id', 'one', '--', 'sh', '-c', script, 'x', 'y', 'x', '-n', 'web', '--', 'a')
    const { code, stdout } = await cli.ended
    expect(stdout).toBe(`y x -n web -- a\nweb ${ADDRESS} one\n`)
    expect(code).toBe(42)
    expect(await valueOf(etcd, KEY)).toBeUndefined()
  })

  it('takes the record out before the child is stopped, and waits for the drain delay in between', async () => {
    const marks = join(directory, 'marks')
    const get = `ETCDCTL_API=3 etcdctl --endpoints ${etcd.endpoint} get --print-value-only ${KEY}`
    const script = `trap '${get} | wc -c > ${marks}; exit 3' TERM; echo up; while :; do sleep 0.05; done`
    const cli = register('--drain-delay', '300ms', '--', 'sh', '-c', script)
    await cli.waitForLine(/^up$/)
    await cli.waitForLine(registered)
    expect(await valueOf(etcd, KEY)).toBeDefined()
    cli.signal('SIGTERM')
    expect(await cli.ended).toMatchObject({ code: 3 })
    expect((await readFile(marks, 'utf8')).trim()).toBe('0')
  })

  it('takes the record out when the child ends by itself, and passes its signal on as 128 + n', async () => {
    const cli = register('--', 'sh', '-c', 'sleep 0.5; kill -9 $$')
    expect(await cli.ended).toMatchObject({ code: 137 })
    expect(await valueOf(etcd, KEY)).toBeUndefined()
  })

  it('ends with 127 for a program that is not there and 126 for one that cannot be run, and registers neither', async () => {
    const file = join(directory, 'plain')
    await writeFile(file, 'no program', { mode: 0o644 })
    for (const [program, status] of [
      ['/no/such/program', 127],
      [file, 126],
    ] as const) {
      const result = await run(['register', 'web', ADDRESS, '--', program], { env })
      expect(result.code).toBe(status)
      expect(result.stderr).not.toMatch(registered)
      expect(result.stderr).toMatch(new RegExp(`cannot be run.*${program}`))
    }
  })

  it('sends signals to the whole group of the child', async () => {
    const script = `sh -c 'trap "echo inner; exit" USR1; echo ready; while :; do sleep 0.05; done' & trap : USR1; wait; wait; exit 5`
    const cli = register('--', 'sh', '-c', script)
    await cli.waitForLine(/^ready$/)
    cli.signal('SIGUSR1')
    const { code, stdout } = await cli.ended
    expect(stdout).toContain('inner')
    expect(code).toBe(5)
  })

  it('kills a child that does not end, after the stop timeout', async () => {
    const cli = register(
      '--drain-delay',
      '0',
      '--stop-timeout',
      '200ms',
      '--',
      'sh',
      '-c',
      'trap "" TERM; echo up; while :; do sleep 0.05; done',
    )
    await cli.waitForLine(/^up$/)
    cli.signal('SIGINT')
    expect(await cli.ended).toMatchObject({ code: 137 })
  })

  it('ends at once at a second signal, and the child with it', async () => {
    const cli = register('--drain-delay', '60s', '--', 'sh', '-c', 'echo pid $$; exec sleep 60')
    const pid = Number((await cli.waitForLine(/^pid \d+$/)).slice(4))
    await cli.waitForLine(registered)
    cli.signal('SIGTERM')
    await cli.waitForLine(/^deregistered web/)
    cli.signal('SIGINT')
    expect(await cli.ended).toMatchObject({ code: 130 })
    await eventually(() => !alive(pid))
  })

  it('shows the record only while the check passes', async () => {
    const port = await freePort()
    const address = `127.0.0.1:${port}`
    const cli = start(['register', 'web', address, '--check', 'tcp', '--check-interval', '100ms'], { env })
    const server = createServer((socket) => socket.destroy())
    const key = `/ns/web/${address}`
    expect(await valueOf(etcd, key)).toBeUndefined()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    await cli.waitForLine(/^registered web/)
    expect(await valueOf(etcd, key)).toBeDefined()
    server.close()
    await cli.waitForLine(/^withdrawn web .*: the check fails$/)
    expect(await valueOf(etcd, key)).toBeUndefined()
    expect(await valueOf(etcd, `/ns/.gone/web/${address}`)).toContain('failing')
  })

  it('--once and --permanent write and end; writing again is an update', async () => {
    const once = await run(['register', 'web', ADDRESS, '--once', '--ttl', '60s', '--weight', '2', '--zone', 'a'], {
      env,
    })
    expect(once).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^registered web \S+ lease=[0-9a-f]+ ttl=60s\n$/),
    })
    expect((await run(['set', 'web', ADDRESS, '--state', 'drain'], { env })).code).toBe(0)
    const permanent = await run(['register', 'web', ADDRESS, '--permanent', '--weight', '5'], { env })
    expect(permanent).toMatchObject({ code: 0, stderr: `registered web ${ADDRESS} lease=0\n` })
    expect(JSON.parse((await valueOf(etcd, KEY))!)).toMatchObject({
      Metadata: { id: ADDRESS, weight: 5, zone: 'a', state: 'drain' },
    })
    const { kvs } = JSON.parse(await etcdctl(etcd, 'get', KEY, '-w', 'json')) as { kvs: { lease?: number }[] }
    expect(kvs[0]!.lease).toBeUndefined()
  })

  it('a conflict exits 7: at once with fail, after the TTL with wait; takeover makes the other one exit 7', async () => {
    const holder = register('--id', 'first', '--ttl', '3s')
    await holder.waitForLine(registered)
    const [fail, wait] = await Promise.all([
      run(['register', 'web', ADDRESS, '--on-conflict', 'fail', '--json'], { env }),
      run(['register', 'web', ADDRESS], { env }),
    ])
    expect(fail.code).toBe(7)
    expect(JSON.parse(fail.stdout)).toMatchObject({ error: { code: 'CONFLICT', exit: 7 } })
    expect(wait).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(/^waiting for 10\.0\.0\.5:8080: [^]*held by first/),
    })
    const taker = register('--on-conflict', 'takeover', '--id', 'second')
    await taker.waitForLine(registered)
    expect((await holder.ended).code).toBe(7)
    expect(await valueOf(etcd, KEY)).toContain('"id":"second"')
  })

  it('--once that is stopped while it waits for another registration has not succeeded', async () => {
    const holder = register('--ttl', '30s')
    await holder.waitForLine(registered)
    const cli = register('--once')
    await cli.waitForLine(/^waiting for 10\.0\.0\.5:8080: /)
    cli.signal('SIGTERM')
    expect((await cli.ended).code).toBe(143)
  })

  it('a process that was killed comes back at once under its id, and within the TTL without one', async () => {
    for (const id of [['--id', 'same'], []]) {
      const killed = register('--ttl', '3s', ...id)
      await killed.waitForLine(registered)
      killed.signal('SIGKILL')
      await killed.ended
      const again = register('--ttl', '3s', ...id)
      await again.waitForLine(registered)
      again.signal()
      expect((await again.ended).code).toBe(0)
    }
  })

  it.each([
    [['register', 'web', '0.0.0.0:80'], 2, /unspecified/],
    [['register', '.web', ADDRESS], 2, /bad service name/],
    [['register', 'web', ADDRESS, '--weight', '1001'], 2, /weight must be/],
    [['register', 'web', ADDRESS, '--ttl', '0'], 2, /bad TTL: 0 s/],
    [['register', 'web', ADDRESS, '--once', '--ttl', '0'], 2, /bad TTL: 0 s/],
    [['register', 'web', ADDRESS, '--check', 'tcp', '--check-interval', '0'], 2, /check interval/],
    [['register', 'web', ADDRESS, '--check', 'udp'], 2, /bad check "udp"/],
    [['register', 'web', ADDRESS, '--meta', 'x'], 2, /bad --meta "x"/],
    [['register', 'web', ADDRESS, '--'], 2, /no command after --/],
    [['register', 'web', ADDRESS, '--once', '--', 'true'], 2, /--once or --permanent/],
    [['register', 'web', ADDRESS, '--once', '--permanent'], 2, /permanent/],
    [['deregister', 'web'], 2, /ADDRESS or --all/],
    [['deregister', 'web', ADDRESS, '--all'], 2, /not both/],
    [['deregister', 'web', ADDRESS], 3, /not registered for web/],
    [['deregister', 'web', '--all'], 3, /nothing is registered/],
    [['set', 'web', ADDRESS, '--weight', '1'], 3, /not registered for web/],
    [['set', 'web', ADDRESS], 2, /nothing to set/],
    [['set', 'web', ADDRESS, '--state', 'up'], 2, /state/],
  ])('%j exits %i', async (args, code, message) => {
    expect(await run(args, { env })).toMatchObject({ code, stderr: expect.stringMatching(message) })
  })

  it('deregister ends a registration for good: status 0 without a child, a plain wrapper with one', async () => {
    const plain = register()
    const wrapper = start(
      ['register', 'web', '10.0.0.6:80', '--', 'sh', '-c', 'read line; echo got; sleep 1; exit 9'],
      { env },
    )
    await Promise.all([plain.waitForLine(registered), wrapper.waitForLine(/^registered/)])
    expect(await run(['deregister', 'web', '--all'], { env })).toMatchObject({ code: 0 })
    expect((await plain.ended).code).toBe(0)
    expect((await wrapper.ended).code).toBe(9)
    expect(await etcdctl(etcd, 'get', '--prefix', '/ns/web/', '--keys-only')).toBe('')
    expect(await run(['deregister', 'web', ADDRESS, '--ignore-missing'], { env })).toMatchObject({ code: 0 })
  })

  it('set keeps the lease, also of records others wrote, and is kept through a lost lease', async () => {
    await etcdctl(etcd, 'put', '/ns/web/key-of-another-kind', '10.0.0.9:80')
    expect(await run(['set', 'web', '10.0.0.9:80', '--weight', '4', '--meta', 'a=b=c'], { env })).toMatchObject({
      code: 0,
    })
    expect(JSON.parse((await valueOf(etcd, '/ns/web/key-of-another-kind'))!)).toMatchObject({
      Addr: '10.0.0.9:80',
      Metadata: { weight: 4, meta: { a: 'b=c' } },
    })
    const cli = register('--id', 'one')
    const [, lease] = /lease=(\w+)/.exec(await cli.waitForLine(registered))!
    expect((await run(['set', 'web', ADDRESS, '--weight', '0', '--state', 'maint'], { env })).code).toBe(0)
    expect(await etcdctl(etcd, 'lease', 'timetolive', '--keys', lease!)).toContain(KEY)
    await etcdctl(etcd, 'lease', 'revoke', lease!)
    const back = await eventually(async () => JSON.parse((await valueOf(etcd, KEY)) ?? 'null') ?? false)
    expect(back).toMatchObject({ Metadata: { id: 'one', weight: 0, state: 'maint' } })
  })
})

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
