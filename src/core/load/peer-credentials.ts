import { isIP, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { CallCredentials, ChannelCredentials, type experimental } from '@grpc/grpc-js'
import type { LoadPeerTls } from './load-stream.js'

/**
 * How the client of one endpoint speaks on its sockets: in clear, or over TLS by a context that is there already. gRPC's own would
 * send an IP address as a server name, which TLS does not permit, and keep the socket of a peer that never says a word
 * after its client was closed.
 */
export class PeerCredentials extends ChannelCredentials {
  readonly #tls: LoadPeerTls | undefined
  readonly #sockets = new Set<Socket>()
  #isClosed = false

  constructor(tls: LoadPeerTls | undefined) {
    super()
    this.#tls = tls
  }

  /** Closes every socket, also those to come. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  override _isSecure(): boolean {
    return this.#tls !== undefined
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this
  }

  override _createSecureConnector(): experimental.SecureConnector {
    const callCredentials = CallCredentials.createEmpty()
    return {
      connect: (raw) => this.#enter(raw),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials,
      destroy: () => undefined,
    }
  }

  async #enter(raw: Socket): Promise<experimental.SecureConnectResult> {
    if (this.#isClosed) throw new Error('the client was closed')
    this.#sockets.add(raw)
    raw.once('close', () => this.#sockets.delete(raw))
    if (this.#tls === undefined) return { socket: raw, secure: false }
    return { socket: await shakeHands(raw, this.#tls), secure: true }
  }
}

function shakeHands(raw: Socket, { context, name, verify }: LoadPeerTls): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: raw,
      secureContext: context,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
      // "Literal IPv4 and IPv6 addresses are not permitted in HostName." (RFC 6066 §3)
      ...(isIP(name) === 0 && { servername: name }),
      checkServerIdentity: (_, certificate) => verify(name, certificate),
    })
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('closed while shaking hands')))
    socket.once('secureConnect', () => resolve(socket))
  })
}
