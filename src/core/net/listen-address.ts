import { isIPv6 } from 'node:net'
import { FairleadError } from '../errors.js'
import { formatHostPort } from '../model/address.js'

export interface ListenAddress {
  /** Without brackets. */
  readonly host: string
  /** 0: a free one. */
  readonly port: number
}

const DEFAULT_HOST = '127.0.0.1'
const FORM = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*)):)?(\d{1,5})$/

const HINT = 'write for example 127.0.0.1:8001, or 127.0.0.1:0 for a free port'

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `PORT`; the host defaults to 127.0.0.1. Throws INVALID_ARGUMENT, which names it as `what`
 * and says `hint`.
 */
export function parseListen(text: string, what = 'listen address', hint = HINT): ListenAddress {
  const match = FORM.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535 || (match[1] !== undefined && !isIPv6(match[1]))) {
    throw new FairleadError('INVALID_ARGUMENT', `bad ${what} ${JSON.stringify(text)}: expected HOST:PORT`, { hint })
  }
  return { host: match[1] ?? (match[2] || DEFAULT_HOST), port }
}

/** `host:port`, with an IPv6 host in brackets. */
export const hostPort = ({ host, port }: ListenAddress): string => formatHostPort(host, port)

/** Where a client on this machine connects to reach what listens there: every-address hosts are not destinations. */
export function clientAddress({ host, port }: ListenAddress): string {
  const reachable = host === '0.0.0.0' ? DEFAULT_HOST : host === '::' ? '::1' : host
  return hostPort({ host: reachable, port })
}
