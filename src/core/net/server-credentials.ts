import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { FairleadError } from '../errors.js'

/** Paths of PEM files, read again when they change. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  /** Clients must show a certificate that one of these authorities signed. Default: none is asked for. */
  readonly clientCaFile?: string
}

/** What a server needs to speak TLS, checked. */
export interface ServerCredentials {
  /** Good for `tls.Server`. */
  readonly options: SecureContextOptions
  /** Whether clients must show a certificate. */
  readonly clientCertificates: boolean
}

/** The paths that `serverCredentials` wants the contents of, in its order. */
export function serverPaths({ certFile, keyFile, clientCaFile }: TlsFiles): string[] {
  return clientCaFile === undefined ? [certFile, keyFile] : [certFile, keyFile, clientCaFile]
}

/**
 * Checks that the files belong together and can be used at `wall` (milliseconds since the Unix epoch). Throws
 * INVALID_ARGUMENT naming the file.
 */
export function serverCredentials(files: TlsFiles, contents: readonly Buffer[], wall: number): ServerCredentials {
  const [cert, key, clientCa] = contents as [Buffer, Buffer, Buffer | undefined]
  const leaf = parseCertificate(files.certFile, cert)
  checkValidity(files.certFile, leaf, wall)
  if (!leaf.checkPrivateKey(parseKey(files.keyFile, key))) {
    throw bad(files.keyFile, `it is not the key of the certificate in ${files.certFile}`)
  }
  if (files.clientCaFile !== undefined) parseCertificate(files.clientCaFile, clientCa!)
  const options: SecureContextOptions = {
    cert,
    key,
    ...(clientCa && { ca: clientCa }),
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    // "A deployment of HTTP/2 over TLS 1.2 MUST disable renegotiation." (RFC 9113 §9.2.1)
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
  try {
    createSecureContext(options)
  } catch (error) {
    throw bad(files.certFile, (error as Error).message, error)
  }
  return { options, clientCertificates: clientCa !== undefined }
}

/** The first certificate of a PEM file. Throws INVALID_ARGUMENT. */
export function parseCertificate(path: string, pem: Buffer): X509Certificate {
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw bad(path, 'it holds no certificate in PEM form')
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw bad(path, (error as Error).message, error)
  }
}

function checkValidity(path: string, { validFrom, validTo }: X509Certificate, wall: number): void {
  if (Date.parse(validTo) <= wall) throw bad(path, `the certificate expired on ${isoDay(validTo)}`)
  if (Date.parse(validFrom) > wall) throw bad(path, `the certificate is not valid before ${isoDay(validFrom)}`)
}

function parseKey(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    // In the label of PKCS #8, or in the Proc-Type header of older forms.
    if (pem.includes('ENCRYPTED')) throw bad(path, 'the key is encrypted: store it without a passphrase', error)
    throw bad(path, 'it holds no private key in PEM form', error)
  }
}

function isoDay(date: string): string {
  return new Date(date).toISOString().slice(0, 16).replace('T', ' ')
}

function bad(path: string, reason: string, cause?: unknown): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `cannot use ${path} for TLS: ${reason}`, { cause })
}
