import { isIP } from 'node:net'
import type { CidrSet } from '../../net/cidr-set.js'
import type { ProxiedAddresses } from '../proxy-protocol/header.js'
import type { Wire } from '../transport/transport.js'

/** Who is at the other end of a downstream wire: the peer, or whoever the peer's PROXY header speaks for. */
export class Client {
  readonly #wire: Wire
  readonly #proxied: ProxiedAddresses | undefined

  constructor(wire: Wire, proxied: ProxiedAddresses | undefined) {
    this.#wire = wire
    this.#proxied = proxied
  }

  /** The IP address of the peer itself; empty once the wire is closed. */
  get peerHost(): string {
    return this.#wire.remote?.host ?? ''
  }

  /** What stands for this client in a hash and in messages: its IP address, or its socket path. */
  get key(): string {
    const proxied = this.#proxied
    if (!proxied) return this.peerHost
    if (proxied.family !== 'unix') return proxied.source.host
    const end = proxied.source.indexOf(0)
    return `unix:${proxied.source.toString('latin1', 0, end < 0 ? undefined : end)}`
  }

  /** What a PROXY header to an upstream says; undefined when the wire is closed already. */
  get addresses(): ProxiedAddresses | undefined {
    if (this.#proxied) return this.#proxied
    const { remote, local } = this.#wire
    if (!remote || !local) return undefined
    return { family: isIP(remote.host) === 6 ? 'ipv6' : 'ipv4', source: remote, destination: local }
  }

  /** Whether the client may connect. A trusted peer that speaks for itself (LOCAL: its health checks) always may. */
  isIn(allow: CidrSet, trust: CidrSet | undefined): boolean {
    const proxied = this.#proxied
    if (!proxied) return allow.has(this.peerHost) || (trust?.has(this.peerHost) ?? false)
    return proxied.family !== 'unix' && allow.has(proxied.source.host)
  }
}
