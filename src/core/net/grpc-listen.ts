import { createServer } from 'node:net'
import type { Server, ServerCredentials } from '@grpc/grpc-js'
import { FairleadError } from '../errors.js'
import { hostPort, type ListenAddress } from './listen-address.js'

/**
 * Has a gRPC server listen, and resolves with the real port. Rejects with ADDRESS_IN_USE where the port is taken, and with
 * INVALID_ARGUMENT where `listen` cannot be listened on; `busyHint` says what to do about the former.
 */
export async function listenGrpc(
  server: Server,
  listen: ListenAddress,
  credentials: ServerCredentials,
  busyHint: string,
): Promise<number> {
  await tryListen(listen, busyHint)
  return await new Promise((resolve, reject) => {
    server.bindAsync(hostPort(listen), credentials, (error, port) => {
      if (error) reject(listenError(listen, error, busyHint))
      else resolve(port)
    })
  })
}

/** Listens and stops again. grpc-js writes to stderr where it cannot listen, and its error has no code. */
function tryListen(listen: ListenAddress, busyHint: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => reject(listenError(listen, error, busyHint)))
    probe.listen({ ...listen, exclusive: true }, () => probe.close(() => resolve()))
  })
}

function listenError(listen: ListenAddress, cause: NodeJS.ErrnoException, busyHint: string): FairleadError {
  if (cause.code === 'EADDRINUSE' || cause.message.includes('EADDRINUSE')) {
    return new FairleadError('ADDRESS_IN_USE', `${hostPort(listen)} is already in use`, { hint: busyHint, cause })
  }
  return new FairleadError('INVALID_ARGUMENT', `cannot listen on ${hostPort(listen)}: ${cause.message}`, {
    hint: `name an address of this machine, for example 127.0.0.1:${listen.port}`,
    cause,
  })
}
