import { isIP, Socket } from 'node:net'
import { connect } from 'node:tls'
import { identityError } from '../../health/certificate-identity.js'
import { connectOptions } from '../transport/guarded-lookup.js'
import type { SlabPool } from '../transport/slabs.js'
import type { Destination, DestinationTls, Dial, DialObserver } from '../transport/transport.js'
import { tlsReason } from './tls-reason.js'
import { TlsWire } from './tls-wire.js'

/** Connects and shakes hands; see Transport.dial. A failure of TLS has a message that begins with `TLS: `. */
export function dialTls(destination: Destination, tls: DestinationTls, observer: DialObserver, slabs: SlabPool): Dial {
  const dial = new TlsDial(observer, slabs)
  dial.start(destination, tls)
  return dial
}

class TlsDial implements Dial {
  readonly #observer: DialObserver
  readonly #slabs: SlabPool
  // `noDelay` is an option of net.connect, which hands it to this constructor.
  readonly #raw = new Socket({ allowHalfOpen: true, noDelay: true } as object)
  #settled = false

  constructor(observer: DialObserver, slabs: SlabPool) {
    this.#observer = observer
    this.#slabs = slabs
  }

  start(destination: Destination, tls: DestinationTls): void {
    const raw = this.#raw
    raw.on('error', (error) => this.#fail(error))
    raw.once('connect', () => {
      if (destination.preface) raw.write(destination.preface)
      this.#shakeHands(tls)
    })
    raw.connect(connectOptions(destination))
  }

  cancel(): void {
    if (this.#settled) return
    this.#settled = true
    this.#raw.destroy()
  }

  #shakeHands({ context, name, alpn }: DestinationTls): void {
    const raw = this.#raw
    const socket = connect({
      socket: raw,
      secureContext: context,
      rejectUnauthorized: true,
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      // "Literal IPv4 and IPv6 addresses are not permitted in HostName." (RFC 6066 §3)
      ...(isIP(name) === 0 && { servername: name }),
      checkServerIdentity: (_, certificate) => identityError(name, certificate),
    })
    socket.on('error', (error) => this.#fail(tlsError(error)))
    socket.once('secureConnect', () => {
      if (this.#settled) return
      this.#settled = true
      this.#observer.connected(new TlsWire(socket, raw, this.#slabs))
    })
  }

  #fail(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#raw.destroy()
    this.#observer.connectFailed(error)
  }
}

/** Keeps the code: it tells what this machine is out of from what the peer did. */
function tlsError(cause: Error): Error {
  const { code } = cause as NodeJS.ErrnoException
  return Object.assign(new Error(`TLS: ${tlsReason(cause)}`, { cause }), { code })
}
