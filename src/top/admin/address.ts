import { isAbsolute, resolve } from 'node:path'
import { FairleadError } from '../../core/errors.js'
import { tryParseAddress } from '../../core/model/address.js'

/** Where an admin endpoint is. */
export interface AdminAddress {
  /** As it is shown. */
  readonly name: string
  /** The base of its URLs. */
  readonly url: URL
  /** The socket in the file system that it listens on; undefined for TCP. */
  readonly socketPath: string | undefined
}

/** Reads HOST:PORT, a URL (http, https) or the path of a socket (also `unix:PATH`). Throws INVALID_ARGUMENT. */
export function parseAdminAddress(text: string): AdminAddress {
  if (/^https?:\/\//i.test(text)) return parseUrl(text)
  if (text.startsWith('unix:')) return socketAddress(text.slice('unix:'.length))
  if (isAbsolute(text) || text.includes('/') || text.endsWith('.sock')) return socketAddress(text)
  const address = tryParseAddress(text)
  if (typeof address !== 'string')
    return { name: text, url: new URL(`http://${address.address}`), socketPath: undefined }
  throw new FairleadError('INVALID_ARGUMENT', `${JSON.stringify(text)} is no admin address: ${address}`, {
    hint: `write HOST:PORT, a URL or the path of a socket; to follow a service of the registry: fairlead top --service ${/^[\w.-]+$/.test(text) ? text : 'NAME'}`,
  })
}

/** The admin endpoint that listens on the socket at `path`. `name`: what it is shown as, the path by default. */
export function socketAddress(path: string, name = path): AdminAddress {
  return { name, url: new URL('http://localhost'), socketPath: resolve(path) }
}

function parseUrl(text: string): AdminAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && url.username === '' && url.password === '' && url.search === '') {
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    return { name: url.host, url, socketPath: undefined }
  }
  throw new FairleadError('INVALID_ARGUMENT', `${JSON.stringify(text)} is no URL of an admin endpoint`, {
    hint: 'write http://HOST:PORT; a token comes from --admin-token-file',
  })
}
