import { type AdminAddress, checkExposure } from '../../core/admin/exposure.js'
import { FairleadError } from '../../core/errors.js'
import { parseListenAddress } from '../../core/proxy/listen.js'
import { readSecret } from '../secret.js'

/** Values of the flags that say where a process can be looked into. */
export interface AdminValues {
  readonly 'admin'?: string | undefined
  readonly 'admin-token-file'?: string | undefined
  readonly 'no-admin'?: boolean | undefined
}

/** Where a running process can be looked into. */
export interface AdminConfiguration {
  /** On TCP; undefined: not there. */
  readonly address: AdminAddress | undefined
  readonly token: string | undefined
  /** On a socket in the runtime folder. */
  readonly local: boolean
}

/** Throws INVALID_ARGUMENT naming what is wrong, has no effect or would be open to everybody. */
export function adminConfiguration(values: AdminValues): AdminConfiguration {
  const { admin, 'admin-token-file': tokenFile, 'no-admin': off = false } = values
  if (admin !== undefined && off) {
    throw new FairleadError('INVALID_ARGUMENT', '--admin and --no-admin exclude each other', { hint: 'leave one out' })
  }
  if (admin === undefined && tokenFile !== undefined) {
    throw new FairleadError('INVALID_ARGUMENT', '--admin-token-file has no effect without --admin', {
      hint: 'add --admin PORT; the socket needs no token, for its mode keeps others out',
    })
  }
  const address = admin === undefined ? undefined : parseAdminAddress(admin)
  if (address) checkExposure(address, tokenFile !== undefined)
  const token = tokenFile === undefined ? undefined : readToken(tokenFile)
  return { address, token, local: !off }
}

/** What is in the file of --admin-token-file, if it can be sent as a bearer token: visible characters of ASCII. Throws INVALID_ARGUMENT. */
export function readToken(path: string): string {
  const token = readSecret('--admin-token-file', path)
  if (/^[!-~]+$/.test(token)) return token
  throw new FairleadError('INVALID_ARGUMENT', `--admin-token-file ${path} holds what cannot be a bearer token`, {
    hint: 'write one word without spaces to it, for example by: openssl rand -hex 32',
  })
}

function parseAdminAddress(text: string): AdminAddress {
  const bare = text.replace(/^http:\/\//i, '')
  if (bare.includes('://')) {
    throw new FairleadError('INVALID_ARGUMENT', `bad --admin ${JSON.stringify(text)}`, {
      hint: 'write PORT or HOST:PORT, for example 127.0.0.1:9090; it speaks HTTP',
    })
  }
  const { host, port } = parseListenAddress(bare)
  return { host, port }
}
