import { networkInterfaces } from 'node:os'
import { isIP } from 'node:net'
import { CidrSet } from '../net/cidr-set.js'
import { isUnspecified, refusedKind } from '../net/refused-addresses.js'

const LOOPBACK = new CidrSet(['127.0.0.0/8', '::1'])

/**
 * Decides which addresses the proxy must not connect to, whatever the registry says: link-local ones (metadata services
 * live there), unspecified ones (they mean "this machine"), and the proxy's own listeners (a loop).
 */
export class UpstreamGuard {
  /** Changes whenever a verdict may have. */
  version = 0
  readonly #own = new Map<number, string[]>()

  /** Adds a bound listener. */
  addListener(host: string, port: number): void {
    this.#own.set(port, [...(this.#own.get(port) ?? []), host])
    this.version++
  }

  /** Forgets a listener that is closed. */
  removeListener(host: string, port: number): void {
    const hosts = this.#own.get(port) ?? []
    const index = hosts.indexOf(host)
    if (index < 0) return
    const others = hosts.toSpliced(index, 1)
    if (others.length > 0) this.#own.set(port, others)
    else this.#own.delete(port)
    this.version++
  }

  /** Why `ip:port` is refused, or undefined. A DNS name is undefined here: ask again for each address it resolves to. */
  refusal(ip: string, port: number): string | undefined {
    if (isIP(ip) === 0) return undefined
    const kind = refusedKind(ip)
    if (kind !== undefined) return kind
    const hosts = this.#own.get(port)
    return hosts?.some((host) => isSameMachine(host, ip)) ? "the proxy's own listener" : undefined
  }
}

/** Whether connecting to `ip` reaches a listener bound to `bound`. */
function isSameMachine(bound: string, ip: string): boolean {
  if (!isUnspecified(bound)) return new CidrSet([bound]).has(ip)
  if (LOOPBACK.has(ip)) return true
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  return new CidrSet(addresses.map(({ address }) => address.split('%')[0]!)).has(ip)
}
