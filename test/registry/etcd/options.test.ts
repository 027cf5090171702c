import { describe, expect, it } from 'vitest'
import { type EtcdOptions, openEtcdStore } from '../../../src/core/registry/etcd/index.js'
import { parseEtcdOptions } from '../../../src/core/registry/etcd/options.js'
import { systemRuntime } from '../../../src/core/runtime.js'

const pem = Buffer.from('pem')
const names = (endpoints: readonly string[], tls?: EtcdOptions['tls']) =>
  parseEtcdOptions({ endpoints, tls }).endpoints.map(({ name }) => name)

describe('etcd endpoints', () => {
  it.each([
    ['127.0.0.1:2379', '127.0.0.1:2379'],
    ['http://127.0.0.1:2379/', '127.0.0.1:2379'],
    ['HTTPS://Etcd.Example:2379', 'https://etcd.example:2379'],
    ['[::1]:2379', '[::1]:2379'],
    ['http://[FD00::1]:2379', '[fd00::1]:2379'],
  ])('reads %s', (text, name) => {
    expect(names([text])).toEqual([name])
  })

  it('takes an endpoint without a scheme for a TLS one where certificates are given', () => {
    expect(names(['a:1', 'https://b:2'], { ca: pem })).toEqual(['https://a:1', 'https://b:2'])
    expect(names(['a:1'], {})).toEqual(['a:1'])
  })

  it.each([
    ['', 'expected host:port'],
    ['localhost', 'expected host:port'],
    ['localhost:0', 'port 0'],
    ['localhost:99999', 'port 99999'],
    ['ftp://localhost:1', '"ftp://localhost:1"'],
    ['http://localhost:1/path', '"http://localhost:1/path"'],
    ['unix:///run/etcd.sock', '"unix:///run/etcd.sock"'],
  ])('refuses %j and says why', (text, message) => {
    expect(thrownBy(() => names([text]))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })

  it.each(['http://alice:secret@localhost:1', 'alice:secret@localhost:1', 'https://a:se@cret@localhost:1'])(
    'refuses the password in %s without repeating it',
    (text) => {
      const error = thrownBy(() => names([text]))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', hint: expect.stringContaining('--password-file') })
      expect(String(error)).not.toContain('cret')
    },
  )

  it('refuses none, a mix of schemes, and certificates for plaintext', () => {
    for (const [endpoints, tls, message] of [
      [[], undefined, 'no registry endpoint'],
      [['a:1', 'https://b:2'], undefined, 'a:1, https://b:2'],
      [['http://a:1'], { ca: pem }, 'a:1'],
    ] as const) {
      expect(thrownBy(() => names(endpoints, tls))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(message),
      })
    }
  })
})

describe('etcd credentials', () => {
  const parse = (options: Partial<EtcdOptions>) => parseEtcdOptions({ endpoints: ['127.0.0.1:1'], ...options })

  it.each(['127.0.0.1:1', '127.8.8.8:1', 'localhost:1', '[::1]:1', 'https://etcd.example:1'])(
    'let a password go to %s',
    (endpoint) => {
      const login = { user: 'alice', password: 'secret' }
      expect(parse({ endpoints: [endpoint], ...login }).login).toEqual(login)
    },
  )

  it('let no password go over plaintext to another host unless told to', () => {
    const options = { endpoints: ['127.0.0.1:1', 'etcd.example:1'], user: 'alice', password: 'secret' }
    const error = thrownBy(() => parse(options))
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('etcd.example:1'),
      hint: expect.stringContaining('--insecure'),
    })
    expect(String(error)).not.toContain('secret')
    expect(parse({ ...options, insecure: true }).login?.user).toBe('alice')
    expect(() => parse({ ...options, endpoints: ['127.evil.example:1'] })).toThrow('plaintext')
  })

  it('refuse half of a login or of a certificate', () => {
    const endpoints = ['https://a:1']
    expect(() => parse({ user: 'alice' })).toThrow('a user is given without a password')
    expect(() => parse({ password: 'secret' })).toThrow('a password is given without a user')
    expect(() => parse({ endpoints, tls: { cert: pem } })).toThrow('a client certificate is given without its key')
    expect(() => parse({ endpoints, tls: { key: pem } })).toThrow('a client key is given without its certificate')
  })

  it('refuse certificates that are none', () => {
    const tls = { ca: pem, cert: pem, key: pem }
    expect(thrownBy(() => openEtcdStore({ endpoints: ['https://a:1'], tls }, systemRuntime))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      hint: expect.stringContaining('--cacert'),
    })
  })
})

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
