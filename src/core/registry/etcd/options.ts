import { FairleadError } from '../../errors.js'
import { tryParseAddress } from '../../model/address.js'
import { isLoopback } from '../../net/loopback.js'

export interface EtcdOptions {
  /** `host:port`, `http://host:port` or `https://host:port`, all of one scheme. One that is down is passed over. */
  readonly endpoints: readonly string[]
  /** PEM. Its presence makes endpoints without a scheme TLS ones; without `ca` the system's authorities are trusted. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** How long one endpoint may take to be connected to, milliseconds. Default 2,000. */
  readonly dialTimeoutMs?: number | undefined
  /** How long a call may take, all endpoints included, milliseconds. Default 5,000. */
  readonly commandTimeoutMs?: number | undefined
  /** Lets the password go over plaintext to another host. */
  readonly insecure?: boolean | undefined
}

/** EtcdOptions that were found to be sound. */
export interface EtcdConfig {
  readonly endpoints: readonly EtcdEndpoint[]
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined
  readonly login: Login | undefined
  readonly dialTimeoutMs: number
  readonly commandTimeoutMs: number
}

export interface EtcdEndpoint {
  /** What messages call it: `host:port`, with `https://` before it where TLS is used. */
  readonly name: string
  readonly host: string
  readonly secure: boolean
}

export interface Login {
  readonly user: string
  readonly password: string
}

const ENDPOINT = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/]*)\/?$/i

/** Checks everything that can be checked without a connection. Throws INVALID_ARGUMENT naming what is wrong. */
export function parseEtcdOptions(options: EtcdOptions): EtcdConfig {
  const tls = options.tls && (options.tls.ca ?? options.tls.cert ?? options.tls.key) ? options.tls : undefined
  if (tls && !tls.cert !== !tls.key) {
    throw new FairleadError(
      'INVALID_ARGUMENT',
      `a client ${tls.cert ? 'certificate' : 'key'} is given without its ${tls.cert ? 'key' : 'certificate'}`,
      {
        hint: 'give both --cert and --key',
      },
    )
  }
  if (options.endpoints.length === 0) throw new FairleadError('INVALID_ARGUMENT', 'no registry endpoint is given')
  const endpoints = options.endpoints.map((text) => parseEndpoint(text, tls !== undefined))
  if (endpoints.some((endpoint) => endpoint.secure !== endpoints[0]!.secure)) {
    throw new FairleadError(
      'INVALID_ARGUMENT',
      `the registry endpoints mix http and https: ${endpoints.map(({ name }) => name).join(', ')}`,
      {
        hint: 'give all of them the same scheme',
      },
    )
  }
  if (tls && !endpoints[0]!.secure) {
    throw new FairleadError(
      'INVALID_ARGUMENT',
      `certificates are given, but ${endpoints[0]!.name} is a plaintext endpoint`,
      {
        hint: 'write https://, or leave the certificates away',
      },
    )
  }
  return {
    endpoints,
    tls,
    login: parseLogin(options, endpoints),
    dialTimeoutMs: options.dialTimeoutMs ?? 2_000,
    commandTimeoutMs: options.commandTimeoutMs ?? 5_000,
  }
}

function parseEndpoint(text: string, secureByDefault: boolean): EtcdEndpoint {
  const hint = 'write host:port, http://host:port or https://host:port'
  if (text.includes('@')) {
    const shown = JSON.stringify(text.replace(/^(.*\/\/)?.*@/, '$1…@'))
    throw new FairleadError('INVALID_ARGUMENT', `registry endpoint ${shown} holds a user or a password`, {
      hint: 'give them with --user and --password-file',
    })
  }
  const match = ENDPOINT.exec(text)
  const scheme = match?.[1]?.toLowerCase()
  if (!match || (scheme !== undefined && scheme !== 'http' && scheme !== 'https')) {
    throw new FairleadError('INVALID_ARGUMENT', `bad registry endpoint ${JSON.stringify(text)}`, { hint })
  }
  const address = tryParseAddress(match[2]!)
  if (typeof address === 'string') {
    throw new FairleadError('INVALID_ARGUMENT', `bad registry endpoint ${JSON.stringify(text)}: ${address}`, { hint })
  }
  const secure = scheme === undefined ? secureByDefault : scheme === 'https'
  return { name: (secure ? 'https://' : '') + address.address, host: address.host, secure }
}

function parseLogin(options: EtcdOptions, endpoints: readonly EtcdEndpoint[]): Login | undefined {
  const { user, password } = options
  if (user === undefined && password === undefined) return undefined
  if (!user || password === undefined) {
    const [present, missing] = user ? ['a user', 'a password'] : ['a password', 'a user']
    throw new FairleadError('INVALID_ARGUMENT', `${present} is given without ${missing}`, {
      hint: 'give both --user and --password-file',
    })
  }
  const exposed = endpoints.find(({ secure, host }) => !secure && !isLoopback(host))
  if (exposed && !options.insecure) {
    throw new FairleadError('INVALID_ARGUMENT', `the password would go to ${exposed.name} in plaintext`, {
      hint: 'use an https:// endpoint, or accept the risk with --insecure',
    })
  }
  return { user, password }
}
