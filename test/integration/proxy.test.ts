import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { cleanUp, cleanup } from '../proxy/support.js'
import { run, start } from '../support/cli.js'
import { describeWithPeers } from '../support/peers.js'
import { freePort, startRealEtcd } from '../support/real-etcd.js'

afterEach(cleanUp)

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`

interface WebServer {
  readonly address: string
  /** Ends master and worker at once. */
  kill(): Promise<void>
}

/** A single nginx process that answers every request. */
async function startNginx(): Promise<WebServer> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-nginx-'))
  const config = `daemon off; master_process off; pid ${directory}/pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off;
  server { listen 127.0.0.1:${port} backlog=1024; location / { return 200 "ok"; } }
}
`
  writeFileSync(join(directory, 'nginx.conf'), config)
  const child = spawn('nginx', ['-p', directory, '-c', 'nginx.conf'], {
    stdio: 'ignore',
    env: { ...process.env, PATH },
  })
  const kill = () => stop(child)
  cleanup(async () => {
    await kill()
    rmSync(directory, { recursive: true, force: true })
  })
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`nginx exited with ${child.exitCode}`)
    await pause(20)
  }
  return { address: `127.0.0.1:${port}`, kill }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return connected
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Runs wrk, a connection per request, and returns what it says. */
async function wrk(url: string, seconds: number): Promise<string> {
  const args = ['-t', '1', '-c', '8', '-d', `${seconds}s`, '--timeout', '10s', '-H', 'Connection: close', url]
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  cleanup(() => stop(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(child, 'close')
  return output
}

describeWithPeers(['etcd', 'nginx', 'wrk'], 'the proxy in front of nginx, over etcd', () => {
  it('fails no request while endpoints come, drain, leave and die', async () => {
    const etcd = await startRealEtcd()
    cleanup(() => etcd.close())
    const registry = ['--endpoints', etcd.endpoint]
    const [one, two, three] = [await startNginx(), await startNginx(), await startNginx()]
    const register = async ({ address }: WebServer) => {
      const cli = start(['register', 'web', address, ...registry, '--ttl', '5s'])
      await cli.waitForLine(/^registered web /)
      return cli
    }
    const first = await register(one)
    await register(two)
    const proxy = start(['proxy', 'tcp://127.0.0.1:0=web', ...registry, '-o', 'ndjson'])
    const { listen } = JSON.parse(await proxy.waitForLine(/"event":"listening"/)) as { listen: string }
    await proxy.waitForLine(/\(2 endpoints, /)

    const load = wrk(listen.replace('tcp:', 'http:'), 5)
    await pause(500)
    await register(three)
    await proxy.waitForLine(/^endpoints .*\(3 endpoints, /)
    expect((await run(['set', 'web', two.address, '--state', 'drain', ...registry])).code).toBe(0)
    await proxy.waitForLine(/^endpoints .*\(3 endpoints, 2 ready, /)
    first.signal('SIGTERM')
    expect((await first.ended).code).toBe(0)
    await pause(1000)
    await one.kill()
    await etcd.kill()
    const output = await load

    expect(output).toMatch(/^ +\d+ requests in /m)
    expect(Number(/^ +(\d+) requests in /m.exec(output)![1])).toBeGreaterThan(1000)
    expect(output).not.toMatch(/Socket errors|Non-2xx/)
    expect(proxy.stderr).not.toContain('connect_failed')
    proxy.signal('SIGTERM')
    expect((await proxy.ended).code).toBe(0)
  })

  it('starts from the snapshot file while the registry is away', async () => {
    const etcd = await startRealEtcd()
    cleanup(() => etcd.close())
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-snapshot-'))
    cleanup(() => rmSync(directory, { recursive: true, force: true }))
    const server = await startNginx()
    const args = ['proxy', '0=web', '--endpoints', etcd.endpoint, '--snapshot', join(directory, 'known.json')]
    const registered = await run(['register', 'web', server.address, '--permanent', '--endpoints', etcd.endpoint])
    expect(registered.code).toBe(0)
    const before = start(args)
    await before.waitForLine(/\(1 endpoint, /)
    before.signal('SIGTERM')
    expect((await before.ended).code).toBe(0)
    await etcd.kill()

    const after = start([...args, '-o', 'ndjson'])
    const { listen } = JSON.parse(await after.waitForLine(/"event":"listening"/)) as { listen: string }
    await after.waitForLine(/\(1 endpoint, /)
    expect((await fetch(listen.replace('auto:', 'http:'))).status).toBe(200)
  })
})
