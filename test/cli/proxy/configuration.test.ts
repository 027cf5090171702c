import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { givenValues } from '../../../src/cli/given-values.js'
import { proxyConfiguration } from '../../../src/cli/proxy/configuration.js'
import { proxyFlags, type ProxyValues, withStickyName } from '../../../src/cli/proxy/flags.js'

const TARGETS = ['8080=10.0.0.5:80']

describe('proxyConfiguration', () => {
  it('leaves everything that is not given to the defaults of the library', () => {
    const { options, ...rest } = proxyConfiguration(TARGETS, {})
    expect(Object.keys(options)).toEqual(['listeners'])
    expect(rest).toEqual({
      drainTimeoutMs: 30_000,
      snapshotFile: undefined,
      workers: 1,
      admin: { address: undefined, token: undefined, local: true },
      given: { listen: TARGETS },
    })
  })

  it('maps every flag', () => {
    const keyFile = join(mkdtempSync(join(tmpdir(), 'fairlead-sticky-')), 'key')
    writeFileSync(keyFile, '0123456789abcdef\n')
    const values: Required<ProxyValues> = {
      'policy': 'maglev',
      'hash-on': 'header:X-User',
      'sticky': 'sid',
      'sticky-key-file': keyFile,
      'retries': 2,
      'snapshot': 'snapshot.json',
      'health-check': 'http:/healthz',
      'health-interval': '5s',
      'no-outlier': true,
      'connect-timeout': '1s',
      'idle-timeout': '2s',
      'request-timeout': '3s',
      'sniff-timeout': '20ms',
      'drain-timeout': '4s',
      'max-connections': 9,
      'tls-cert': 'cert.pem',
      'tls-key': 'key.pem',
      'tls-client-ca': 'clients.pem',
      'upstream-tls': true,
      'upstream-ca': 'ca.pem',
      'proxy-protocol': 'both',
      'trust': ['10.0.0.0/8'],
      'allow': ['192.168.0.0/16'],
      'admin': '9090',
      'admin-token-file': keyFile,
      'no-admin': false,
      'workers': 4,
    }
    expect(Object.keys(values).sort()).toEqual(Object.keys(proxyFlags).sort())
    const { options, ...rest } = proxyConfiguration(['8080=web'], values)
    expect(rest).toEqual({
      drainTimeoutMs: 4000,
      snapshotFile: 'snapshot.json',
      workers: 4,
      admin: { address: { host: '127.0.0.1', port: 9090 }, token: '0123456789abcdef', local: true },
      given: { listen: ['8080=web'], ...values },
    })
    const { listeners, policy, healthCheck, ...others } = options
    expect(policy?.name).toBe('maglev')
    expect(listeners).toHaveLength(1)
    expect(healthCheck).toMatchObject({ kind: 'http', path: '/healthz' })
    expect(others).toEqual({
      hashOn: { kind: 'header', name: 'x-user' },
      stickyCookie: 'sid',
      stickyKey: '0123456789abcdef',
      retries: 2,
      healthIntervalMs: 5000,
      outlierDetection: false,
      connectTimeoutMs: 1000,
      idleTimeoutMs: 2000,
      requestTimeoutMs: 3000,
      sniffTimeoutMs: 20,
      maxConnections: 9,
      tls: { certFile: 'cert.pem', keyFile: 'key.pem', clientCaFile: 'clients.pem' },
      upstreamTls: { caFile: 'ca.pem' },
      proxyProtocol: 'both',
      trust: ['10.0.0.0/8'],
      allow: ['192.168.0.0/16'],
    })
  })

  it.each([
    ['source_ip', { kind: 'source_ip' }],
    ['path', { kind: 'path' }],
    ['cookie:Session', { kind: 'cookie', name: 'Session' }],
    ['query:user[id]', { kind: 'query', name: 'user[id]' }],
  ])('reads --hash-on %s', (text, expected) => {
    expect(proxyConfiguration(TARGETS, { 'hash-on': text }).options.hashOn).toEqual(expected)
  })

  it.each([[''], ['ip'], ['header'], ['header:'], ['header:a b'], ['cookie:a=b'], ['query:a&b'], ['path:x']])(
    'refuses --hash-on %j',
    (text) => {
      expect(() => proxyConfiguration(TARGETS, { 'hash-on': text })).toThrow(/bad --hash-on/)
    },
  )

  it.each<[string[], ProxyValues, RegExp]>([
    [[], {}, /nothing to listen on/],
    [TARGETS, { sticky: 'a;b' }, /bad --sticky/],
    [TARGETS, { 'sticky-key-file': 'k' }, /--sticky-key-file has no effect/],
    [TARGETS, { 'sticky': 'c', 'sticky-key-file': '/nonexistent' }, /--sticky-key-file \/nonexistent cannot be read/],
    [TARGETS, { 'sticky': 'c', 'sticky-key-file': '/dev/null' }, /--sticky-key-file \/dev\/null holds no secret/],
    [TARGETS, { workers: 0 }, /bad --workers 0/],
    [TARGETS, { 'request-timeout': 'soon' }, /bad --request-timeout "soon"/],
    [TARGETS, { 'health-check': 'ping' }, /bad check/],
    [TARGETS, { 'health-interval': '1s' }, /--health-interval has no effect/],
    [TARGETS, { 'tls-cert': 'c' }, /--tls-cert has no effect: it has no key/],
    [TARGETS, { 'tls-key': 'k' }, /--tls-key has no effect/],
    [TARGETS, { 'tls-client-ca': 'c' }, /--tls-client-ca has no effect/],
    [TARGETS, { 'upstream-ca': 'c' }, /--upstream-ca has no effect/],
    [TARGETS, { snapshot: 'f' }, /--snapshot has no effect/],
    [['tcp://:1=10.0.0.5:80', 'tcp://:2=web'], { sticky: 'c' }, /--sticky has no effect: every listener is tcp/],
    [['tcp://:1=web'], { 'request-timeout': '1s' }, /--request-timeout has no effect/],
    [['tcp://:1=web'], { 'hash-on': 'path' }, /--hash-on path has no effect/],
    [['tcp://:1=web'], { 'sniff-timeout': '1s' }, /--sniff-timeout has no effect/],
  ])('refuses %j with %j', (targets, values, message) => {
    expect(() => proxyConfiguration(targets, values)).toThrow(message)
  })

  it('lets one listener with requests give the flags about them an effect', () => {
    expect(proxyConfiguration(['tcp://:1=web', '2=web'], { sticky: 'c' }).options.stickyCookie).toBe('c')
    expect(proxyConfiguration(['tcp://:1=web'], { 'hash-on': 'source_ip' }).options.hashOn).toEqual({
      kind: 'source_ip',
    })
  })
})

describe('flags', () => {
  it('gives the cookie of a bare --sticky its name, and leaves other words alone', () => {
    expect(withStickyName(['8080=web', '--sticky', '--sticky=sid', '--stick'])).toEqual([
      '8080=web',
      '--sticky=fairlead',
      '--sticky=sid',
      '--stick',
    ])
  })

  it('takes what was given, of the proxy only', () => {
    const parsed = { 'policy': 'random', 'endpoints': 'x:1', 'retries': 0, 'sticky': undefined, 'no-outlier': false }
    expect(givenValues(Object.keys(proxyFlags), parsed)).toEqual({ policy: 'random', retries: 0 })
  })
})
