import { createPrivateKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serverCredentials, serverPaths } from '../../src/core/net/server-credentials.js'
import { type Certificates, makeCertificates } from '../support/certificates.js'

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates.remove())

const FILES = { certFile: 'cert.pem', keyFile: 'key.pem' }
const MUTUAL = { ...FILES, clientCaFile: 'ca.pem' }

const load = (contents: readonly Buffer[], files = FILES, wall = Date.now()) => serverCredentials(files, contents, wall)

const chain = (...certificates: readonly Buffer[]) => Buffer.from(certificates.join('\n'))

describe('the credentials of a TLS server', () => {
  it('are what the files say', () => {
    const { cert, key } = certificates.server
    expect(serverPaths(FILES)).toEqual(['cert.pem', 'key.pem'])
    expect(load([cert, key])).toMatchObject({ options: { cert, key }, clientCertificates: false })
  })

  it('ask clients for certificates where there is an authority for them', () => {
    const { ca, server } = certificates
    expect(serverPaths(MUTUAL)).toEqual(['cert.pem', 'key.pem', 'ca.pem'])
    expect(load([server.cert, server.key, ca], MUTUAL)).toMatchObject({ options: { ca }, clientCertificates: true })
  })

  it('may be a chain', () => {
    const { server, ca } = certificates
    expect(load([chain(server.cert, ca), server.key]).clientCertificates).toBe(false)
  })

  it('must belong together', () => {
    const { server, client } = certificates
    expect(() => load([server.cert, client.key])).toThrow(
      'cannot use key.pem for TLS: it is not the key of the certificate in cert.pem',
    )
    // The authority in front of the certificate it signed.
    expect(() => load([chain(certificates.ca, server.cert), server.key])).toThrow('it is not the key')
  })

  it('must be valid now', async () => {
    const { cert, key } = await certificates.issue('old', -1)
    expect(() => load([cert, key])).toThrow(/cannot use cert.pem for TLS: the certificate expired on \d{4}-\d\d-\d\d/)
    const { server } = certificates
    expect(() => load([server.cert, server.key], FILES, 0)).toThrow('the certificate is not valid before')
  })

  it('must be PEM', () => {
    const { cert, key } = certificates.server
    const broken = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect(() => load([key, key])).toThrow('cannot use cert.pem for TLS: it holds no certificate in PEM form')
    expect(() => load([broken, key])).toThrow('cannot use cert.pem for TLS')
    expect(() => load([cert, cert])).toThrow('cannot use key.pem for TLS: it holds no private key in PEM form')
    expect(() => load([cert, key, Buffer.from('')], MUTUAL)).toThrow('cannot use ca.pem for TLS')
  })

  it('cannot be encrypted', () => {
    const { cert, key } = certificates.server
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const
    const encrypted = Buffer.from(createPrivateKey(key).export(options))
    expect(() => load([cert, encrypted])).toThrow('the key is encrypted')
  })
})
