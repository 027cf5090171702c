import { describe, expect, it } from 'vitest'
import { parseListen } from '../../src/core/proxy/listen.js'

describe('LISTEN=TARGET', () => {
  it.each([
    ['8080=web', { scheme: 'auto', host: '127.0.0.1', port: 8080 }],
    [':8080=web', { scheme: 'auto', host: '127.0.0.1', port: 8080 }],
    ['tcp://:0=web', { scheme: 'tcp', host: '127.0.0.1', port: 0 }],
    ['TCP://0.0.0.0:80=web', { scheme: 'tcp', host: '0.0.0.0', port: 80 }],
    ['auto://localhost:80=web', { scheme: 'auto', host: 'localhost', port: 80 }],
    ['http://:80=web', { scheme: 'http', host: '127.0.0.1', port: 80 }],
    ['grpc://0.0.0.0:80=web', { scheme: 'grpc', host: '0.0.0.0', port: 80 }],
    ['[::1]:80=web', { scheme: 'auto', host: '::1', port: 80 }],
    ['tcp://[::]:80=web', { scheme: 'tcp', host: '::', port: 80 }],
  ])('reads %s', (text, listen) => {
    expect(parseListen(text)).toEqual({ listen, target: { kind: 'service', service: 'web' } })
  })

  it('reads a list of addresses with weights', () => {
    const { target } = parseListen('8080=10.0.0.6:80,[::1]:81@3')
    expect(target).toMatchObject({
      kind: 'static',
      endpoints: [
        { address: '10.0.0.6:80', weight: 1 },
        { address: '[::1]:81', weight: 3 },
      ],
    })
  })

  it.each([
    ['8080', 'no target'],
    ['=web', 'expected'],
    ['web=8080', 'expected'],
    ['::1:80=web', 'expected'],
    ['1.2.3:80=web', 'not an IPv4 address'],
    ['[127.0.0.1]:80=web', 'not an IPv6 address'],
    ['a b:80=web', 'not a host'],
    ['65536=web', 'port 65536'],
    ['udp://:80=web', 'unknown scheme udp://'],
    ['8080=', 'bad service name'],
    ['8080=a/b', 'bad service name'],
    ['8080=10.0.0.1:80@x', 'weight'],
    ['8080=0.0.0.0:80', 'unspecified'],
  ])('refuses %j: %s', (text, message) => {
    const error = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) })
    expect(() => parseListen(text)).toThrow(error)
  })
})
