import type { DataPlaneResolver } from '../../core/discovery/data-plane-resolver.js'
import type { ProxyEvent } from '../../core/proxy/events.js'
import { createSocketTransport } from '../../core/proxy/transport/socket-transport.js'
import type { WorkerConfiguration } from '../../core/proxy/workers/messages.js'
import { startWorkers } from '../../core/proxy/workers/pool.js'
import type { Runtime } from '../../core/runtime.js'
import type { LogFormat, LogLevel } from '../log.js'
import { clusterFork } from './cluster.js'
import type { ProxyConfiguration } from './configuration.js'
import type { RunningProxy } from './reloading.js'

export interface WorkerPoolOptions {
  readonly configuration: ProxyConfiguration
  readonly resolver: DataPlaneResolver
  /** Where the package is. */
  readonly root: string
  readonly log: { readonly level: LogLevel; readonly format: LogFormat }
  readonly onEvent: (event: ProxyEvent) => void
}

/** A proxy of as many processes as the configuration says. */
export async function startWorkerPool(
  { configuration, resolver, root, log, onEvent }: WorkerPoolOptions,
  runtime: Runtime,
): Promise<RunningProxy> {
  const { options, workers } = configuration
  const pool = await startWorkers(
    { workers, configuration: sendable(configuration), onEvent },
    { resolver, fork: clusterFork(options, root, log), transport: createSocketTransport() },
    runtime,
  )
  return {
    get listening() {
      return pool.listening
    },
    read: () => pool.read(),
    reload: (next) => pool.reload(sendable(next), next.drainTimeoutMs),
    drain: async (timeoutMs) => void (await pool.drain(timeoutMs)),
  }
}

function sendable({ options: { policy, ...options } }: ProxyConfiguration): WorkerConfiguration {
  return { options, policy: policy?.name }
}
