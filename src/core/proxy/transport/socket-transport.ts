import { createServer, Socket } from 'node:net'
import { FairleadError } from '../../errors.js'
import { formatHostPort } from '../../model/address.js'
import { dialTls } from '../tls/dial-tls.js'
import { connectOptions } from './guarded-lookup.js'
import { SlabPool } from './slabs.js'
import { deafReceiver, SocketWire } from './socket-wire.js'
import { READ_BUFFER } from './static-read.js'
import type { AcceptObserver, Acceptor, Destination, Dial, DialObserver, Transport } from './transport.js'

export interface SocketTransportOptions {
  /** Reads into one buffer for the whole process where Node allows it (default), or by 'data' events. */
  readonly staticRead?: boolean
}

/** Wires over net.Socket. */
export function createSocketTransport(options: SocketTransportOptions = {}): Transport {
  const slabs = new SlabPool()
  const statically = options.staticRead ?? true
  return {
    listen: (host, port, observer) => listen(host, port, observer, slabs, statically),
    dial: (destination, observer) =>
      destination.tls
        ? dialTls(destination, destination.tls, observer, slabs)
        : dial(destination, observer, slabs, statically),
    secure: (wire, early, server, observer) =>
      server.handshake((wire as SocketWire).surrender(), early, slabs, observer),
  }
}

function listen(
  host: string,
  port: number,
  observer: AcceptObserver,
  slabs: SlabPool,
  statically: boolean,
): Promise<Acceptor> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    const wire = new SocketWire(socket, slabs, deafReceiver)
    wire.attach(statically)
    observer.accepted(wire)
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen({ host, port, backlog: 4096 }, () => {
      server.removeAllListeners('error')
      server.on('error', (error) => observer.acceptFailed(error))
      const bound = server.address() as { address: string; port: number }
      resolve({ host: bound.address, port: bound.port, close: () => void server.close() })
    })
  })
}

/** A listen failure as the error users see. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): FairleadError {
  const where = formatHostPort(host, port)
  if (error.code === 'EADDRINUSE') {
    return new FairleadError('ADDRESS_IN_USE', `${where} is already in use`, {
      hint: 'stop what listens there, or choose another port (port 0 takes a free one)',
      cause: error,
    })
  }
  if (error.code === 'EACCES') {
    return new FairleadError('PERMISSION_DENIED', `not allowed to listen on ${where}`, {
      hint: 'ports below 1024 usually need privileges: choose a higher one',
      cause: error,
    })
  }
  return new FairleadError('INVALID_ARGUMENT', `cannot listen on ${where}: ${error.message}`, {
    hint: 'listen on an address of this machine, for example 127.0.0.1:8080',
    cause: error,
  })
}

function dial(destination: Destination, observer: DialObserver, slabs: SlabPool, statically: boolean): Dial {
  const { preface } = destination
  let wire: SocketWire | undefined
  let settled = false
  const onread = { buffer: READ_BUFFER, callback: (n: number, bytes: Uint8Array) => wire!.read(n, bytes as Buffer) }
  // `noDelay` and `onread` are options of net.connect, which hands them to this constructor.
  const socket = new Socket({ allowHalfOpen: true, noDelay: true, ...(statically && { onread }) } as object)
  socket.on('error', (error) => {
    if (settled) return
    settled = true
    observer.connectFailed(error)
  })
  socket.once('connect', () => {
    if (settled) return
    settled = true
    if (preface) socket.write(preface)
    wire = new SocketWire(socket, slabs, deafReceiver)
    if (statically) socket.pause()
    else wire.attach(false)
    observer.connected(wire)
  })
  socket.connect(connectOptions(destination))
  return {
    cancel() {
      if (settled) return
      settled = true
      socket.destroy()
    },
  }
}
