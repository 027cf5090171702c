import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RealEtcd {
  /** `127.0.0.1:port` (prefixed with https:// when TLS was asked for). */
  readonly endpoint: string
  readonly port: number
  /** Ends the process with a signal and waits for its exit. The data directory and the port stay. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Sends SIGSTOP or SIGCONT. */
  signal(signal: NodeJS.Signals): void
  /** Starts it again on the same port, with what is on disk or, after `wipe`, with nothing. */
  start(): Promise<void>
  wipe(): Promise<void>
  /** Ends everything and removes the data directory. */
  close(): Promise<void>
}

export interface RealEtcdOptions {
  /** Extra command-line arguments. */
  readonly args?: readonly string[]
  readonly scheme?: 'http' | 'https'
}

/** Starts etcd on free loopback ports with a data directory of its own and waits until it serves. */
export async function startRealEtcd(options: RealEtcdOptions = {}): Promise<RealEtcd> {
  const scheme = options.scheme ?? 'http'
  const [port, peerPort] = [await freePort(), await freePort()]
  const data = await mkdtemp(join(tmpdir(), 'fairlead-etcd-'))
  const client = `${scheme}://127.0.0.1:${port}`
  const peer = `http://127.0.0.1:${peerPort}`
  const args = [
    '--name',
    'test',
    '--data-dir',
    data,
    '--listen-client-urls',
    client,
    '--advertise-client-urls',
    client,
    '--listen-peer-urls',
    peer,
    '--initial-advertise-peer-urls',
    peer,
    '--initial-cluster',
    `test=${peer}`,
    '--logger',
    'zap',
    ...(options.args ?? []),
  ]
  let child: ChildProcess | undefined

  const etcd: RealEtcd = {
    endpoint: scheme === 'https' ? client : `127.0.0.1:${port}`,
    port,
    async start() {
      child = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'pipe'] })
      const started = child
      let log = ''
      await new Promise<void>((resolve, reject) => {
        started.once('error', reject)
        started.once('exit', (code) => reject(new Error(`etcd exited with ${code}:\n${log}`)))
        started.stderr!.on('data', (chunk: Buffer) => {
          log = (log + chunk.toString()).slice(-20_000)
          if (log.includes('serving client traffic')) resolve()
        })
      })
    },
    async kill(signal = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    },
    signal: (signal) => void child?.kill(signal),
    wipe: () => rm(data, { recursive: true, force: true }),
    async close() {
      child?.kill('SIGCONT')
      await etcd.kill()
      await rm(data, { recursive: true, force: true })
    },
  }
  await etcd.start()
  return etcd
}

/** A port nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
