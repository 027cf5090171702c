import type { PeerCertificate } from 'node:tls'
import { expect, it } from 'vitest'
import { identityError } from '../../src/core/health/certificate-identity.js'

const certificate = (subjectaltname: string) => ({ subject: { CN: 'x' }, subjectaltname }) as unknown as PeerCertificate

it('says whom a certificate is not for', () => {
  expect(identityError('db.example.org', certificate('DNS:db.example.org'))).toBeUndefined()
  expect(identityError('db.example.org', certificate('DNS:web.example.org'))?.message).toMatch(/db\.example\.org/)
})

it('takes a certificate that cannot be read for one that is for nobody', () => {
  expect(identityError('db.example.org', certificate('DNS:"\\'))).toBeInstanceOf(Error)
})
