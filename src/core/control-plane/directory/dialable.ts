import { isIP } from 'node:net'
import { formatHostPort } from '../../model/address.js'
import type { Endpoint } from '../../model/endpoint.js'
import { byAddress } from '../../model/order.js'
import type { Snapshot } from '../../model/snapshot.js'
import { refusedKind } from '../../net/refused-addresses.js'
import type { Logger } from '../../runtime.js'
import type { HostNames } from './host-names.js'

/** A server at an IP address. */
export interface DialableEndpoint extends Endpoint {
  /** The address as it is registered, where that is a host name. */
  readonly registered?: string
}

/** Why clients are told no address of a registered endpoint. */
export type LeftOut = 'balancer' | 'refused_address' | 'unresolved' | 'duplicate'

/** A host name's endpoint at each of its addresses, and what that was made of. */
interface Expansion {
  readonly endpoint: Endpoint
  readonly ips: readonly string[]
  readonly dialable: readonly DialableEndpoint[]
}

/** Turns the snapshots of one service into those of servers that every client can dial: host names are resolved. */
export class Dialable {
  readonly #hosts: HostNames
  readonly #log: Logger
  readonly #onChange: () => void
  /** What ends the following of each host name in use. */
  readonly #followed = new Map<string, () => void>()
  /** By registered address. */
  #expansions = new Map<string, Expansion>()
  #refused: ReadonlySet<string> = new Set()
  /** Endpoints that are served as they stand. */
  readonly #plain = new WeakSet<Endpoint>()

  /** @param onChange called when a snapshot given before comes to something else now */
  constructor(hosts: HostNames, log: Logger, onChange: () => void) {
    this.#hosts = hosts
    this.#log = log
    this.#onChange = onChange
  }

  /**
   * The servers of a snapshot, each IP and port once, by address. Lookaside balancers and addresses that must not be connected to
   * are left out, and so are host names that do not resolve. `pending` tells that some are looked up for the first time.
   */
  expand(snapshot: Snapshot): { readonly snapshot: Snapshot; readonly pending: boolean } {
    const dialable = new Map<string, DialableEndpoint>()
    const named: Endpoint[] = []
    const refused = new Set<string>()
    for (const endpoint of snapshot.endpoints) {
      if (endpoint.role === 'balancer') continue
      if (this.#plain.has(endpoint)) dialable.set(endpoint.address, endpoint)
      else if (isIP(endpoint.host) === 0) named.push(endpoint)
      else if (!this.#isRefused(endpoint, refused)) {
        this.#plain.add(endpoint)
        dialable.set(endpoint.address, endpoint)
      }
    }
    this.#refused = refused
    this.#follow(new Set(named.map(({ host }) => host)))
    const expansions = new Map<string, Expansion>()
    let pending = false
    for (const endpoint of named) {
      const ips = this.#hosts.addresses(endpoint.host)
      pending ||= ips === undefined
      const expansion = this.#expansion(endpoint, ips ?? [])
      expansions.set(endpoint.address, expansion)
      for (const each of expansion.dialable) if (!dialable.has(each.address)) dialable.set(each.address, each)
    }
    this.#expansions = expansions
    if (dialable.size === snapshot.endpoints.length && named.length === 0) return { snapshot, pending }
    const endpoints = Object.freeze([...dialable.values()].sort(byAddress))
    return { snapshot: Object.freeze({ ...snapshot, endpoints }), pending }
  }

  /** Of an endpoint of the last snapshot that nothing was made of. */
  whyLeftOut({ role, address, host }: Endpoint): LeftOut {
    if (role === 'balancer') return 'balancer'
    if (this.#refused.has(address)) return 'refused_address'
    return isIP(host) === 0 && !this.#expansions.get(address)?.dialable.length ? 'unresolved' : 'duplicate'
  }

  /** Follows no host name any more. */
  close(): void {
    this.#follow(new Set())
  }

  #isRefused({ address, host }: Endpoint, refused: Set<string>): boolean {
    const kind = refusedKind(host)
    if (kind === undefined) return false
    refused.add(address)
    if (!this.#refused.has(address)) this.#log.warn('an endpoint has a refused address', { address, kind })
    return true
  }

  #follow(names: ReadonlySet<string>): void {
    for (const [name, end] of this.#followed) {
      if (names.has(name)) continue
      this.#followed.delete(name)
      end()
    }
    for (const name of names) {
      if (!this.#followed.has(name)) this.#followed.set(name, this.#hosts.follow(name, this.#onChange))
    }
  }

  #expansion(endpoint: Endpoint, ips: readonly string[]): Expansion {
    const known = this.#expansions.get(endpoint.address)
    if (known?.endpoint === endpoint && known.ips === ips) return known
    const dialable = ips.map((ip) => {
      const address = formatHostPort(ip, endpoint.port)
      return Object.freeze({ ...endpoint, address, host: ip, registered: endpoint.address })
    })
    return { endpoint, ips, dialable }
  }
}
