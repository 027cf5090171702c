import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Scheme } from '../listen.js'
import type { SlabPool } from '../transport/slabs.js'
import type { Dial, DialObserver, TlsTermination } from '../transport/transport.js'
import { alpnOptions } from './alpn.js'
import type { ServerCredentials } from '../../net/server-credentials.js'
import { tlsReason } from './tls-reason.js'
import { TlsWire } from './tls-wire.js'

/** Ends TLS with one set of credentials on connections that others accept. */
export class TlsServer implements TlsTermination {
  readonly credentials: ServerCredentials
  readonly #server: Server
  readonly #handshakes = new WeakMap<Socket, Handshake>()

  constructor(credentials: ServerCredentials, scheme: Scheme) {
    this.credentials = credentials
    const { options, clientCertificates } = credentials
    this.#server = createServer({
      ...options,
      ...alpnOptions(scheme),
      requestCert: clientCertificates,
      rejectUnauthorized: clientCertificates,
    })
    this.#server.on('secureConnection', (socket) => this.#handshakeOf(socket)?.succeed(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#handshakeOf(socket)?.blame(error, socket))
  }

  /**
   * Begins the handshake on a connection that reads nothing. `early` is what was read from it before. Calls one method of
   * the observer, later, unless cancelled first. The error of a failure has an empty message where the client left without a word.
   */
  handshake(raw: Socket, early: Buffer, slabs: SlabPool, observer: DialObserver): Dial {
    const handshake = new Handshake(raw, slabs, observer, early.length > 0)
    this.#handshakes.set(raw, handshake)
    if (raw.destroyed) return handshake
    if (early.length > 0) raw.unshift(early)
    // Who ends its side before the handshake is done has left.
    raw.allowHalfOpen = false
    // "This event can also be explicitly emitted by users to inject connections into the TLS server." (Node, tls.Server)
    this.#server.emit('connection', raw)
    return handshake
  }

  #handshakeOf(socket: TLSSocket): Handshake | undefined {
    const { _parent } = socket as unknown as { _parent?: Socket }
    return _parent && this.#handshakes.get(_parent)
  }
}

class Handshake implements Dial {
  readonly #raw: Socket
  readonly #slabs: SlabPool
  readonly #observer: DialObserver
  readonly #spokeEarly: boolean
  #reason: string | undefined
  #settled = false

  constructor(raw: Socket, slabs: SlabPool, observer: DialObserver, spokeEarly: boolean) {
    this.#raw = raw
    this.#slabs = slabs
    this.#observer = observer
    this.#spokeEarly = spokeEarly
    raw.on('error', () => {})
    if (raw.destroyed) this.#closed()
    else raw.once('close', this.#closed)
  }

  cancel(): void {
    this.#settled = true
    this.#raw.destroy()
  }

  succeed(socket: TLSSocket): void {
    if (this.#settled) return void socket.destroy()
    this.#settled = true
    this.#raw.off('close', this.#closed)
    socket.allowHalfOpen = true
    this.#observer.connected(new TlsWire(socket, this.#raw, this.#slabs))
  }

  /** It fails for this reason: the connection closes about now. */
  blame(error: Error, socket: TLSSocket): void {
    const { authorizationError } = socket
    this.#reason ??= authorizationError
      ? `the client's certificate was not accepted (${String(authorizationError)})`
      : tlsReason(error)
  }

  /** The reason is told after the connection has closed. */
  readonly #closed = (): void => void setImmediate(() => this.#fail())

  #fail(): void {
    if (this.#settled) return
    this.#settled = true
    const silent = !this.#spokeEarly && this.#raw.bytesRead === 0
    this.#observer.connectFailed(new Error(silent ? '' : (this.#reason ?? 'the client left during the handshake')))
  }
}
