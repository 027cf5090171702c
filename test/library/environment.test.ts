import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { connectOptionsFrom } from '../../src/core/library/environment.js'

const directory = mkdtempSync(join(tmpdir(), 'fairlead-environment-'))
afterAll(() => rmSync(directory, { recursive: true }))

const PEM = '-----BEGIN CERTIFICATE-----\n'
const pem = join(directory, 'ca.pem')
writeFileSync(pem, PEM)

describe('options completed by the environment', () => {
  it('are the defaults where there is neither', () => {
    expect(connectOptionsFrom({}, {})).toEqual({
      endpoints: ['127.0.0.1:2379'],
      insecure: false,
      prefix: '/ns',
      dialTimeoutMs: 2000,
      commandTimeoutMs: 5000,
    })
  })

  it('come from the options, then FAIRLEAD_*, then ETCDCTL_*', () => {
    const env = {
      FAIRLEAD_ENDPOINTS: 'a:1,b:2',
      ETCDCTL_ENDPOINTS: 'c:3',
      ETCDCTL_DIAL_TIMEOUT: '3s',
      FAIRLEAD_PREFIX: '/p',
    }
    expect(connectOptionsFrom({}, env)).toMatchObject({ endpoints: ['a:1', 'b:2'], prefix: '/p', dialTimeoutMs: 3000 })
    expect(connectOptionsFrom({}, { ETCDCTL_ENDPOINTS: 'c:3' })).toMatchObject({ endpoints: ['c:3'] })
    expect(connectOptionsFrom({ endpoints: ['d:4'], prefix: '/q', dialTimeoutMs: 1 }, env)).toMatchObject({
      endpoints: ['d:4'],
      prefix: '/q',
      dialTimeoutMs: 1,
    })
  })

  it('have TLS and the login as a whole from one of the two', () => {
    const env = { ETCDCTL_CACERT: pem, ETCDCTL_USER: 'root:secret' }
    expect(connectOptionsFrom({}, env)).toMatchObject({
      tls: { ca: Buffer.from(PEM) },
      user: 'root',
      password: 'secret',
    })
    const options = connectOptionsFrom({ tls: { cert: 'x' }, user: 'me' }, env)
    expect(options).toMatchObject({ tls: { cert: 'x' }, user: 'me' })
    expect(options.password).toBeUndefined()
  })

  it('name the variable that is wrong, unless an option stands for it', () => {
    const env = { FAIRLEAD_DIAL_TIMEOUT: 'soon', ETCDCTL_CACERT: join(directory, 'none') }
    const wrong = (message: RegExp) =>
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) as string })
    expect(() => connectOptionsFrom({ tls: {} }, env)).toThrow(wrong(/FAIRLEAD_DIAL_TIMEOUT/))
    expect(() => connectOptionsFrom({ dialTimeoutMs: 5 }, env)).toThrow(wrong(/cannot be read/))
    expect(connectOptionsFrom({ tls: {}, dialTimeoutMs: 5 }, env).dialTimeoutMs).toBe(5)
  })
})
