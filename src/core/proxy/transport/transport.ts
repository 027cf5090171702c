import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Slab, SlabPool } from './slabs.js'

/**
 * The seam between what a relay does with bytes and how they come off the kernel. A wire is one connected byte stream; a
 * transport makes wires. Nothing here blocks or throws for a reason of the peer's: what goes wrong arrives as `onClose`.
 */
export interface Transport {
  /** Starts to accept. Rejects with ADDRESS_IN_USE or INVALID_ARGUMENT. Port 0 takes a free one. */
  listen(host: string, port: number, observer: AcceptObserver): Promise<Acceptor>
  /** Begins to connect. Exactly one of the observer's methods is called, later, unless the dial is cancelled first. */
  dial(destination: Destination, observer: DialObserver): Dial
  /**
   * Begins TLS, as its server, on a wire this transport has accepted, which must not be used any more. `early` is what was
   * read from it before. Calls the observer as `dial` does; an error without a message means that the client left without a word.
   */
  secure(wire: Wire, early: Buffer, server: TlsTermination, observer: DialObserver): Dial
}

export interface AcceptObserver {
  /** A new connection. It reads nothing until `resume`; set its receiver before returning. */
  accepted(wire: Wire): void
  /** The kernel refused to hand out a connection (no file descriptors, say). Accepting goes on. */
  acceptFailed(error: Error): void
}

export interface Acceptor {
  /** The bound address, with the real port. */
  readonly host: string
  readonly port: number
  /** Stops accepting at once; accepted wires live on. Idempotent. */
  close(): void
}

export interface Destination {
  /** An IP address or a DNS name. */
  readonly host: string
  readonly port: number
  /** Why a resolved IP address must not be connected to, or undefined. Asked for DNS names only. */
  readonly refuse?: (ip: string) => string | undefined
  /** Sent in clear before anything else. */
  readonly preface?: Buffer
  /** How to speak TLS; not at all if absent. The dial then includes the handshake. */
  readonly tls?: DestinationTls
}

/** What is needed to speak TLS with one destination. */
export interface DestinationTls {
  readonly context: SecureContext
  /** What the certificate must be for: a DNS name, sent as SNI too, or an IP address. */
  readonly name: string
  /** Protocols offered (RFC 7301), the preferred one first. */
  readonly alpn: readonly string[]
}

/** Ends TLS on sockets that read nothing yet; see `Transport.secure`. */
export interface TlsTermination {
  handshake(raw: Socket, early: Buffer, slabs: SlabPool, observer: DialObserver): Dial
}

export interface DialObserver {
  /** Connected. It reads nothing until `resume`; set its receiver before returning. */
  connected(wire: Wire): void
  connectFailed(error: Error): void
}

export interface Dial {
  /** Gives up. No observer method is called afterwards. Idempotent. */
  cancel(): void
}

export interface Wire {
  /** What ALPN settled (RFC 7301); empty for nothing, absent without TLS. */
  readonly alpn?: string
  /** Who hears of this wire. May be replaced at any time. */
  receiver: WireReceiver
  /** The other side's address, as long as the wire is open. */
  readonly remote: WireAddress | undefined
  /** This side's address, as long as the wire is open. */
  readonly local: WireAddress | undefined
  /**
   * Sends a copy of the first `length` bytes, in order. False: the peer is not keeping up; stop until `onDrain`. What is
   * written after `end` or `close` is dropped.
   */
  write(bytes: Buffer, length: number): boolean
  /** Like `write`, without a copy: the slab, one of `slabs`, is the wire's from now on. */
  writeSlab(slab: Slab, length: number): boolean
  /** Where slabs for `writeSlab` come from. */
  readonly slabs: SlabPool
  /** Bytes written that the kernel has not taken. */
  readonly pending: number
  /** Sends everything written so far and then the end of the stream (FIN). Reading goes on. Idempotent. */
  end(): void
  /** Closes both directions in an orderly way as far as the kernel allows; unsent bytes may be lost. Idempotent. */
  close(): void
  /** Closes both directions so that the peer sees a reset (RST) rather than an end. Idempotent. */
  reset(): void
  /** Stops and restarts reading: while a wire is paused neither data nor an end is told. */
  pause(): void
  resume(): void
}

export interface WireReceiver {
  /** `bytes[0, length)` arrived. They are valid until this returns: copy what must outlive the call. */
  onData(bytes: Buffer, length: number): void
  /** The peer will send nothing more (FIN). Writing to it is still possible. */
  onEnd(): void
  /** After `write` returned false: everything has been handed to the kernel. May also be called when nothing waited. */
  onDrain(): void
  /** The wire is gone; nothing follows. `error` unless it was closed by this side or after both directions ended. */
  onClose(error?: Error): void
}

export interface WireAddress {
  /** IPv4, or IPv6 without brackets and zone; an IPv4-mapped address is given as IPv4. */
  readonly host: string
  readonly port: number
}
