import { BlockList, isIP } from 'node:net'
import { FairleadError } from '../errors.js'

/** A set of IP networks. */
export class CidrSet {
  readonly #list = new BlockList()

  /** Reads `IP` or `IP/PREFIX` entries. Throws INVALID_ARGUMENT naming the entry that is neither. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry)
  }

  /** Whether `ip` is in one of the networks; an IPv4-mapped IPv6 address counts as the IPv4 address in it. */
  has(ip: string): boolean {
    const version = isIP(ip)
    return version !== 0 && this.#list.check(ip, version === 6 ? 'ipv6' : 'ipv4')
  }

  #add(entry: string): void {
    const [ip, prefix, ...rest] = entry.split('/')
    const version = isIP(ip!)
    const bits = version === 6 ? 128 : 32
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN
    if (version === 0 || ip!.includes('%') || rest.length > 0 || !(length <= bits)) {
      throw new FairleadError('INVALID_ARGUMENT', `bad network ${JSON.stringify(entry)}`, {
        hint: 'write an IP address or a CIDR, for example 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32',
      })
    }
    this.#list.addSubnet(ip!, length, version === 6 ? 'ipv6' : 'ipv4')
  }
}
