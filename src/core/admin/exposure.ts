import { isIP } from 'node:net'
import { FairleadError } from '../errors.js'

/** Where an admin endpoint listens on TCP. */
export interface AdminAddress {
  /** IPv4, IPv6 without brackets, or a name of this machine. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** Whether only this machine can reach a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Throws INVALID_ARGUMENT where anybody from elsewhere could look in. */
export function checkExposure({ host }: AdminAddress, hasToken: boolean): void {
  if (isLoopback(host) || hasToken) return
  throw new FairleadError('INVALID_ARGUMENT', `an admin endpoint on ${host} would be open to whoever can reach it`, {
    hint: 'add --admin-token-file FILE, or listen on 127.0.0.1',
  })
}
