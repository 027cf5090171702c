import { describe, expect, it } from 'vitest'
import { parseAddress, tryParseAddress } from '../../src/core/model/address.js'
import { isServiceName, parseServiceName } from '../../src/core/model/service.js'

describe('addresses', () => {
  it.each([
    ['10.0.0.5:8080', '10.0.0.5', 8080, '10.0.0.5:8080'],
    ['[::1]:80', '::1', 80, '[::1]:80'],
    ['[2001:DB8::0:1]:443', '2001:db8::1', 443, '[2001:db8::1]:443'],
    ['Web.Example.com:0080', 'web.example.com', 80, 'web.example.com:80'],
    ['my_host-1:1', 'my_host-1', 1, 'my_host-1:1'],
  ])('reads %s', (text, host, port, address) => {
    expect(parseAddress(text)).toEqual({ host, port, address })
  })

  it.each([
    '',
    '10.0.0.5',
    ':80',
    '10.0.0.5:',
    '10.0.0.5:0',
    '10.0.0.5:65536',
    '0.0.0.0:80',
    '[::]:80',
    '::1:80',
    '1.2.3:80',
    '256.1.1.1:80',
    'a b:80',
    'http://x:80',
    '-x:80',
    'x-:80',
    '[127.0.0.1]:80',
    '[fe80::1%eth0]:80',
    'x..y:80',
    'x:8o',
  ])('refuses %j', (text) => {
    expect(tryParseAddress(text)).toBeTypeOf('string')
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', exitCode: 2 }))
  })
})

describe('service names', () => {
  it.each(['web', 'a', '0', 'A.b_c-d', '_x', 'x'.repeat(128)])('accepts %s', (name) => {
    expect(parseServiceName(name)).toBe(name)
  })

  it.each(['', '.gone', 'a/b', 'a b', 'x'.repeat(129), 'ü', 'a\n'])('refuses %j', (name) => {
    expect(isServiceName(name)).toBe(false)
  })
})
