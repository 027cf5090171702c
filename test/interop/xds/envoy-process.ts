import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENVOY } from '../../support/peers.js'

export interface Envoy {
  /** The last part of what it wrote to its log. */
  readonly log: string
  close(): Promise<void>
}

/** Starts an Envoy with this configuration, and waits until it has what it needs to start: its listeners accept then. */
export async function startEnvoy(configuration: object): Promise<Envoy> {
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-envoy-'))
  const file = join(directory, 'envoy.json')
  await writeFile(file, JSON.stringify(configuration))
  const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'info']
  const child = spawn(ENVOY, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr!.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)))
  await started(child, () => log)
  return {
    get log() {
      return log
    },
    async close() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function started(child: ChildProcess, log: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`envoy exited with ${code}:\n${log()}`)))
    child.stderr!.on('data', () => {
      if (log().includes('all dependencies initialized. starting workers')) resolve()
    })
  })
}
