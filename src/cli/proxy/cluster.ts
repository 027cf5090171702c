import cluster from 'node:cluster'
import { join } from 'node:path'
import type { ProxyOptions } from '../../core/proxy/options.js'
import type { Fork } from '../../core/proxy/workers/worker-link.js'
import type { LogFormat, LogLevel } from '../log.js'

/** The worker program, from the root of the package. */
const PROGRAM = 'dist/cli/proxy/worker.js'

/**
 * Sets node:cluster up for workers of a proxy with these options, once in a process, and returns what forks one. Few long
 * connections with many requests each (HTTP/2, TLS) must be dealt out one by one; short ones (TCP) cost less where each worker
 * accepts for itself.
 */
export function clusterFork(
  options: Pick<ProxyOptions, 'listeners' | 'tls'>,
  root: string,
  log: { readonly level: LogLevel; readonly format: LogFormat },
): Fork {
  const inTurn = options.tls !== undefined || options.listeners[0]?.listen.scheme !== 'tcp'
  cluster.schedulingPolicy = inTurn ? cluster.SCHED_RR : cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: join(root, PROGRAM),
    args: [log.level, log.format],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return (observer) => {
    const worker = cluster.fork()
    worker.on('message', (message: unknown) => observer.message(message))
    worker.on('exit', (code: number | null, signal: string | null) =>
      observer.exited(signal === null ? `status ${code}` : signal),
    )
    // A fork that fails, or a pipe that breaks while the process ends: the exit that follows tells.
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) observer.exited(error.message)
    })
    return {
      send: (message, sent = () => {}) => {
        if (worker.isConnected()) worker.process.send(message, undefined, undefined, (error) => error ?? sent())
      },
      kill: () => void worker.process.kill('SIGKILL'),
    }
  }
}
