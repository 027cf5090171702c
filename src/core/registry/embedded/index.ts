import { Server, ServerCredentials } from '@grpc/grpc-js'
import { listenGrpc } from '../../net/grpc-listen.js'
import { clientAddress, hostPort, type ListenAddress, parseListen } from '../../net/listen-address.js'
import { isLoopback } from '../../net/loopback.js'
import type { Runtime } from '../../runtime.js'
import { MAX_MESSAGE_BYTES } from './limits.js'
import { loadServices } from './proto.js'
import { createRegistryState, type RegistryState } from './registry.js'
import { authService } from './services/auth.js'
import { clusterService } from './services/cluster.js'
import { kvService } from './services/kv.js'
import { leaseService } from './services/lease.js'
import { maintenanceService } from './services/maintenance.js'
import { watchService } from './services/watch.js'

export interface EmbeddedRegistryOptions {
  /** `HOST:PORT`, `[IPv6]:PORT` or `PORT`; port 0 takes a free one. Default 127.0.0.1:0. */
  readonly listen?: string
  /** How many past revisions can be read and watched from before they are compacted. Default 100,000. */
  readonly historyRevisions?: number
  /** The same as memory, in bytes. Default 64 MiB. */
  readonly historyBytes?: number
}

export interface EmbeddedRegistry {
  /** `host:port` for clients on this machine, with the port it really listens on. */
  readonly endpoint: string
  /** `host:port` it listens on. */
  readonly listen: string
  readonly port: number
  /** Whether only this machine can reach it. */
  readonly loopbackOnly: boolean
  /** Ends every call and stream, stops listening and forgets everything. Idempotent. */
  close(): Promise<void>
}

const DEFAULT_LISTEN = '127.0.0.1:0'
const BUSY_HINT = 'end what listens there (an etcd, perhaps), or listen on another port; port 0 takes a free one'
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
  const { host, port: askedPort } = parseListen(options.listen ?? DEFAULT_LISTEN)
  const limits = {
    historyRevisions: options.historyRevisions ?? DEFAULT_HISTORY_REVISIONS,
    historyBytes: options.historyBytes ?? DEFAULT_HISTORY_BYTES,
  }
  const registry = createRegistryState(limits, runtime)
  const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES })
  let bound: ListenAddress = { host, port: askedPort }
  addServices(server, registry, () => `http://${clientAddress(bound)}`, runtime)
  bound = { host, port: await listenGrpc(server, bound, ServerCredentials.createInsecure(), BUSY_HINT) }

  return {
    endpoint: clientAddress(bound),
    listen: hostPort(bound),
    port: bound.port,
    loopbackOnly: isLoopback(bound.host),
    close: () => {
      server.forceShutdown()
      registry.leases.close()
      return Promise.resolve()
    },
  }
}

function addServices(server: Server, registry: RegistryState, clientUrl: () => string, { log }: Runtime): void {
  const { KV, Watch, Lease, Cluster, Maintenance, Auth } = loadServices()
  server.addService(KV, kvService(KV, registry, log))
  server.addService(Watch, watchService(Watch, registry))
  server.addService(Lease, leaseService(Lease, registry, log))
  server.addService(Cluster, clusterService(Cluster, registry, clientUrl, log))
  server.addService(Maintenance, maintenanceService(Maintenance, registry, log))
  server.addService(Auth, authService(Auth, registry, log))
}
