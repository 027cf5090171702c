import { FairleadError } from '../errors.js'
import { isLoopback } from '../net/loopback.js'

/** Where an admin endpoint listens on TCP. */
export interface AdminAddress {
  /** IPv4, IPv6 without brackets, or a name of this machine. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** Throws INVALID_ARGUMENT where anybody from elsewhere could look in. */
export function checkExposure({ host }: AdminAddress, hasToken: boolean): void {
  if (isLoopback(host) || hasToken) return
  throw new FairleadError('INVALID_ARGUMENT', `an admin endpoint on ${host} would be open to whoever can reach it`, {
    hint: 'add --admin-token-file FILE, or listen on 127.0.0.1',
  })
}
