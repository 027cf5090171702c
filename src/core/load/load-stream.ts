import type { PeerCertificate, SecureContext } from 'node:tls'
import type { LookupFunction } from 'node:net'
import type { LoadReport } from '../balancer/orca/load-report.js'

/** Where an endpoint's reports are asked for, and how. */
export interface LoadPeer {
  /** An IP address or a name. */
  readonly host: string
  readonly port: number
  /** How a name is looked up. Default: as the system does. */
  readonly lookup?: LookupFunction
  /** Absent: in clear. */
  readonly tls?: LoadPeerTls
}

export interface LoadPeerTls {
  readonly context: SecureContext
  /** What the certificate must be for; no name is sent where it is an IP address. */
  readonly name: string
  /** Why a certificate is not for `name`; undefined where it is. */
  verify(name: string, certificate: PeerCertificate): Error | undefined
}

/** Hears of one stream. */
export interface LoadStreamObserver {
  report(load: LoadReport): void
  /** The endpoint offers no reports. `ended` follows when a connection of its own, on which it said so, is gone. */
  unsupported(): void
  /** Nothing comes any more. Called once, and not after `close`. */
  ended(reason: string): void
}

/** Asks a peer for its load, every `periodMs` milliseconds. Returns what ends that; the observer hears nothing any more then. */
export type OpenToPeer = (peer: LoadPeer, periodMs: number, observer: LoadStreamObserver) => () => void
