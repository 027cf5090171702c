import { Server, ServerCredentials } from '@grpc/grpc-js'
import { FairleadError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { MAX_MESSAGE_BYTES } from './limits.js'
import { loadServices } from './proto.js'
import { createRegistryState } from './registry.js'
import { authService } from './services/auth.js'
import { clusterService } from './services/cluster.js'
import { kvService } from './services/kv.js'
import { leaseService } from './services/lease.js'
import { maintenanceService } from './services/maintenance.js'
import { watchService } from './services/watch.js'

export interface EmbeddedRegistryOptions {
  /** `host:port`, an IPv6 host in brackets. Port 0 takes a free one. Default 127.0.0.1:0. */
  readonly listen?: string
  /** How many past revisions can be read and watched from before they are compacted. Default 100,000. */
  readonly historyRevisions?: number
  /** The same as memory, in bytes. Default 64 MiB. */
  readonly historyBytes?: number
}

export interface EmbeddedRegistry {
  /** `host:port` for clients, with the port it really listens on. */
  readonly endpoint: string
  readonly port: number
  /** Ends every call and stream, stops listening and forgets everything. Idempotent. */
  close(): Promise<void>
}

const DEFAULT_LISTEN = '127.0.0.1:0'
const DEFAULT_HISTORY_REVISIONS = 100_000
const DEFAULT_HISTORY_BYTES = 64 * 1024 * 1024

/**
 * Starts an etcd v3 API in memory: one member, no authentication, no TLS, nothing on disk. Its memory is bounded by what
 * is stored and by the history limits: older revisions are compacted by itself.
 *
 * Throws ADDRESS_IN_USE where the port is taken, INVALID_ARGUMENT where `listen` cannot be listened on.
 */
export async function startEmbeddedRegistry(
  options: EmbeddedRegistryOptions,
  runtime: Runtime,
): Promise<EmbeddedRegistry> {
  const listen = options.listen ?? DEFAULT_LISTEN
  const host = hostOf(listen)
  const limits = {
    historyRevisions: options.historyRevisions ?? DEFAULT_HISTORY_REVISIONS,
    historyBytes: options.historyBytes ?? DEFAULT_HISTORY_BYTES,
  }
  const registry = createRegistryState(limits, runtime)
  const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES })
  let port = 0
  const { log } = runtime
  const services = loadServices()
  server.addService(services.KV, kvService(services.KV, registry, log))
  server.addService(services.Watch, watchService(services.Watch, registry))
  server.addService(services.Lease, leaseService(services.Lease, registry, log))
  server.addService(
    services.Cluster,
    clusterService(services.Cluster, registry, () => `http://${host}:${port}`, log),
  )
  server.addService(services.Maintenance, maintenanceService(services.Maintenance, registry, log))
  server.addService(services.Auth, authService(services.Auth, registry, log))
  port = await bind(server, listen)

  const close = () => {
    server.forceShutdown()
    registry.leases.close()
    return Promise.resolve()
  }
  return { endpoint: `${host}:${port}`, port, close }
}

function bind(server: Server, listen: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(bindError(listen, error))
      else resolve(port)
    })
  })
}

function bindError(listen: string, cause: Error): FairleadError {
  if (cause.message.includes('EADDRINUSE')) {
    return new FairleadError('ADDRESS_IN_USE', `${listen} is already in use`, {
      hint: 'something else listens there, perhaps an etcd: end it, or choose another port with --listen HOST:PORT (port 0 takes a free one)',
      cause,
    })
  }
  return new FairleadError('INVALID_ARGUMENT', `cannot listen on ${listen}: ${cause.message}`, {
    hint: 'name an address of this machine, for example 127.0.0.1:2379',
    cause,
  })
}

function hostOf(listen: string): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/]+):(\d{1,5})$/.exec(listen)
  if (match && Number(match[2]) <= 65535) return match[1]!
  throw new FairleadError('INVALID_ARGUMENT', `bad listen address ${JSON.stringify(listen)}: expected HOST:PORT`, {
    hint: 'write for example 127.0.0.1:2379, or 127.0.0.1:0 for a free port',
  })
}
