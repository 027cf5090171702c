import { FairleadError } from '../core/errors.js'
import type { TlsFiles } from '../core/net/server-credentials.js'

/** Values of flags that commands which listen have in common. */
export interface ServerValues {
  readonly 'health-check'?: string | undefined
  readonly 'health-interval'?: string | undefined
  readonly 'tls-cert'?: string | undefined
  readonly 'tls-key'?: string | undefined
  readonly 'tls-client-ca'?: string | undefined
}

/** What the flags say about TLS; undefined for plaintext. Throws INVALID_ARGUMENT for a flag that has no effect without another. */
export function tlsFiles(values: ServerValues): TlsFiles | undefined {
  const { 'tls-cert': certFile, 'tls-key': keyFile, 'tls-client-ca': clientCaFile } = values
  const pair = 'give both --tls-cert and --tls-key'
  if (certFile === undefined) {
    for (const flag of ['tls-key', 'tls-client-ca'] as const) {
      if (values[flag] !== undefined) noEffect(flag, 'there is no certificate', pair)
    }
    return undefined
  }
  if (keyFile === undefined) return noEffect('tls-cert', 'it has no key', pair)
  return { certFile, keyFile, ...(clientCaFile !== undefined && { clientCaFile }) }
}

/** Throws INVALID_ARGUMENT for an interval between checks that are not made. */
export function refuseIdleCheckFlags(values: ServerValues): void {
  if (values['health-interval'] === undefined || values['health-check'] !== undefined) return
  noEffect('health-interval', 'nothing is checked', 'add --health-check tcp, http:/PATH or grpc')
}

export function noEffect(flag: string, why: string, hint: string): never {
  throw new FairleadError('INVALID_ARGUMENT', `--${flag} has no effect: ${why}`, { hint })
}
