import type { Server } from '../../protos/grpclb.js'

/** An entry of a balancer's list: a server's turn, or a call to be dropped. */
export type ListEntry = ListedServer | ListedDrop

export interface ListedServer {
  readonly drop: false
  /** An IP address, without brackets. */
  readonly host: string
  readonly port: number
  /** What calls to it carry as `lb-token`; empty: nothing. */
  readonly token: string
}

export interface ListedDrop {
  readonly drop: true
  /** What the drops are reported under. */
  readonly token: string
}

/** "Its length can be variable but must be less than 50 bytes", "opaque but printable" (load_balancer.proto). */
const TOKEN = /^[ -~]{1,49}$/

/** No list is longer: each entry costs memory, and each server a connection. */
const MAX_ENTRIES = 65_536

/**
 * A list as the balancer sent it, without the entries that name no address. Undefined where it is longer than any list should be. A
 * token that cannot be sent is left out.
 */
export function readServerList(servers: readonly Server[]): readonly ListEntry[] | undefined {
  if (servers.length > MAX_ENTRIES) return undefined
  return servers.flatMap((server) => readEntry(server) ?? [])
}

function readEntry({ ip_address: ip, port = 0, load_balance_token: text = '', drop }: Server): ListEntry | undefined {
  const token = TOKEN.test(text) ? text : ''
  if (drop) return { drop: true, token }
  const host = ip && hostOf(ip)
  if (host === undefined || port < 1 || port > 65_535) return undefined
  return { drop: false, host, port, token }
}

/** Four bytes, or sixteen. */
function hostOf(ip: Buffer): string | undefined {
  if (ip.length === 4) return ip.join('.')
  if (ip.length !== 16) return undefined
  return Array.from({ length: 8 }, (_, i) => ip.readUInt16BE(2 * i).toString(16)).join(':')
}

export function sameList(a: readonly ListEntry[], b: readonly ListEntry[]): boolean {
  return a.length === b.length && a.every((entry, i) => sameEntry(entry, b[i]!))
}

function sameEntry(a: ListEntry, b: ListEntry): boolean {
  if (a.token !== b.token) return false
  return a.drop || b.drop ? a.drop === b.drop : a.port === b.port && a.host === b.host
}
