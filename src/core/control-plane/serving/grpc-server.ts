import { addAdminServicesToServer, Server, ServerCredentials } from '@grpc/grpc-js'
import { listenGrpc } from '../../net/grpc-listen.js'
import type { ListenAddress } from '../../net/listen-address.js'
import type { ControlPlaneService } from '../service.js'
import { HealthService } from './health-service.js'
import type { KeptCredentials } from './kept-credentials.js'
import { addReflection, serviceName } from './reflection.js'
import { SERVER_OPTIONS } from './server-options.js'

/** A gRPC server that answers for a control plane. */
export interface ControlPlaneServer {
  /** Where it listens, with the real port. */
  readonly listen: ListenAddress
  /** Says to who asks for its health whether it has something to answer from. Not before the first call. */
  setServing(isServing: boolean): void
  /**
   * Accepts nothing more and tells clients so; says that it serves no more. Resolves when the last call has ended, which
   * those of the protocols do only when their service closes.
   */
  shutDown(): Promise<void>
  /** Breaks off what is open. Idempotent; also after `shutDown`. */
  close(): void
}

const BUSY_HINT = 'end what listens there, or listen on another port; port 0 takes a free one'

/**
 * Starts a server with these protocols and what belongs on every gRPC server: health, reflection (both versions) and channelz.
 * Rejects with ADDRESS_IN_USE where the port is taken, INVALID_ARGUMENT where `listen` cannot be listened on.
 *
 * @param tls absent: plaintext. Closed by who opened it
 */
export async function startGrpcServer(
  listen: ListenAddress,
  services: readonly ControlPlaneService[],
  tls?: KeptCredentials,
): Promise<ControlPlaneServer> {
  const server = new Server(SERVER_OPTIONS)
  const handlers = services.flatMap((service) => service.handlers)
  const names = handlers.map(({ definition }) => serviceName(definition))
  const health = new HealthService(names)
  for (const { definition, implementation } of [...handlers, health.handlers]) {
    server.addService(definition, implementation)
  }
  addAdminServicesToServer(server)
  const protos = services.map(({ protocol }) => protocol)
  addReflection(server, protos, names)
  const credentials = tls?.credentials ?? ServerCredentials.createInsecure()
  const port = await listenGrpc(server, listen, credentials, BUSY_HINT)

  return {
    listen: { ...listen, port },
    setServing: (isServing) => health.set(isServing),
    shutDown() {
      const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
      health.end()
      return ended
    },
    close() {
      health.end()
      server.forceShutdown()
    },
  }
}
