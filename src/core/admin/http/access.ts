import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { FairleadError } from '../../errors.js'
import { isLoopback } from '../../net/loopback.js'

/** How a request came in. */
export type Channel =
  /** Through a socket in the file system, whose mode says who may. */
  | { readonly kind: 'socket' }
  /** `host` as it was asked for; `token` as its SHA-256. */
  | { readonly kind: 'tcp'; readonly host: string; readonly token: Buffer | undefined }

/** What a route asks of who calls it. `open`: nothing; `action`: that it may change things. */
export type Demand = 'open' | 'read' | 'action'

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403
  readonly error: FairleadError
}

/**
 * Whether a request may do what it asks for. On loopback everybody on this machine may read and nobody else: a name in
 * Host that is none of this machine's is a web page's that has made its name point here (DNS rebinding). Beyond
 * loopback, and for actions everywhere but on the socket, the token is needed.
 */
export function refusalOf(request: IncomingMessage, demand: Demand, channel: Channel): Refusal | undefined {
  if (channel.kind === 'socket') return undefined
  const { host, token } = channel
  const local = isLoopback(host)
  if (local && !isOwnName(request.headers.host, host)) {
    return forbidden(`requests for ${JSON.stringify(request.headers.host ?? '')} are not answered here`, {
      hint: `ask for ${[...new Set(['localhost', host])].join(' or ')}`,
    })
  }
  if (demand === 'open' || (demand === 'read' && local)) return undefined
  if (token === undefined) {
    return forbidden('nothing can be changed over TCP without a token', {
      hint: 'start the proxy with --admin-token-file, or use its socket',
    })
  }
  return isToken(request.headers.authorization, token) ? undefined : unauthenticated()
}

/** What a token is kept and compared as: of one length whatever the token, and useless to who reads the memory. */
export function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function isOwnName(header: string | undefined, asked: string): boolean {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/i.exec(header ?? '') ?? []
  const name = (bracketed ?? plain)?.toLowerCase()
  return name !== undefined && (isLoopback(name) || name === asked.toLowerCase())
}

/** `Bearer TOKEN` (RFC 6750 §2.1), compared in a time that does not depend on the token. */
function isToken(authorization: string | undefined, expected: Buffer): boolean {
  const [, token = ''] = /^Bearer +([!-~]+)$/i.exec(authorization ?? '') ?? []
  return timingSafeEqual(digest(token), expected)
}

function unauthenticated(): Refusal {
  const error = new FairleadError('UNAUTHENTICATED', 'the token is missing or wrong', {
    hint: 'send authorization: Bearer TOKEN, with what is in --admin-token-file',
  })
  return { status: 401, error }
}

function forbidden(message: string, options: { hint: string }): Refusal {
  return { status: 403, error: new FairleadError('PERMISSION_DENIED', message, options) }
}
