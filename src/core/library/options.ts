import { FairleadError } from '../errors.js'
import type { EtcdOptions } from '../registry/etcd/index.js'
import type { Logger } from '../runtime.js'

const DEFAULT_ENDPOINTS = ['127.0.0.1:2379']

/** Where the registry is and how to talk to it. The environment is not looked at: what is left out has its default. */
export interface ConnectOptions {
  /** `host:port`, `http://host:port` or `https://host:port`; one that is down is passed over. Default `127.0.0.1:2379`. */
  readonly endpoints?: readonly string[]
  /** PEM, as text or bytes. Turns TLS on; without `ca` the system's authorities are trusted. */
  readonly tls?: { readonly ca?: Pem; readonly cert?: Pem; readonly key?: Pem }
  readonly user?: string
  readonly password?: string
  /** Lets the password go over plaintext to another host. */
  readonly insecure?: boolean
  /** What the keys start with. Default `/ns`. */
  readonly prefix?: string
  /** How long one endpoint may take to be connected to, milliseconds. Default 2,000. */
  readonly dialTimeoutMs?: number
  /** How long one call may take, milliseconds. Default 5,000. */
  readonly commandTimeoutMs?: number
  /** Default: silent. */
  readonly logger?: Logger
  /**
   * Whether `connect` is to fail with UNAVAILABLE, UNAUTHENTICATED or PERMISSION_DENIED unless the registry answers. Default false: a program can start
   * before its registry does.
   */
  readonly verify?: boolean
}

/** Certificates or a key in PEM, as text or bytes. */
export type Pem = string | Uint8Array

/** What the store is opened with. */
export function etcdOptions(options: ConnectOptions): EtcdOptions {
  const { endpoints = DEFAULT_ENDPOINTS, tls, user, password, insecure } = options
  if (!Array.isArray(endpoints) || endpoints.some((endpoint) => typeof endpoint !== 'string')) {
    throw new FairleadError('INVALID_ARGUMENT', 'endpoints is not a list of strings', {
      hint: `write connect({ endpoints: ['127.0.0.1:2379'] })`,
    })
  }
  return {
    endpoints: endpoints as readonly string[],
    user,
    password,
    insecure,
    dialTimeoutMs: options.dialTimeoutMs,
    commandTimeoutMs: options.commandTimeoutMs,
    tls: tls && {
      ...(tls.ca === undefined ? undefined : { ca: Buffer.from(tls.ca) }),
      ...(tls.cert === undefined ? undefined : { cert: Buffer.from(tls.cert) }),
      ...(tls.key === undefined ? undefined : { key: Buffer.from(tls.key) }),
    },
  }
}
