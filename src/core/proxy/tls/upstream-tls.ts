import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { FairleadError } from '../../errors.js'
import type { Endpoint } from '../../model/endpoint.js'
import { parseCertificate } from '../../net/server-credentials.js'

/** An authority file as a context that believes it alone. Throws INVALID_ARGUMENT naming the file. */
export function contextOfAuthorities(path: string, pem: Buffer): SecureContext {
  parseCertificate(path, pem)
  try {
    return createSecureContext({ ca: pem, minVersion: 'TLSv1.2' })
  } catch (error) {
    const { message } = error as Error
    throw new FairleadError('INVALID_ARGUMENT', `cannot use ${path} for TLS: ${message}`, { cause: error })
  }
}

/** Where Linux distributions and the BSDs keep the authorities that the system believes. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** A context that believes the system's authorities, or those that come with Node where the system's are not found. */
export function systemContext(): SecureContext {
  for (const path of SYSTEM_FILES) {
    try {
      return contextOfAuthorities(path, readFileSync(path))
    } catch {
      continue
    }
  }
  return createSecureContext({ minVersion: 'TLSv1.2' })
}

/**
 * The name that an endpoint's certificate must be for: `serverName` of its metadata if it is a DNS name, else the host of
 * its address. What is no DNS name is not taken for one, so that nothing strange gets into a ClientHello.
 */
export function tlsNameOf({ host, meta }: Pick<Endpoint, 'host' | 'meta'>): string {
  const name = meta.serverName
  return name !== undefined && DNS_NAME.test(name) && isIP(name) === 0 ? name : host
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i
