import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { CidrSet } from '../../src/core/net/cidr-set.js'
import { UpstreamGuard } from '../../src/core/proxy/upstream-guard.js'

describe('a set of networks', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['::1', '', false],
  ])('%s holds %s: %s', (network, ip, held) => {
    expect(new CidrSet(['192.0.2.99', network]).has(ip)).toBe(held)
  })

  it.each(['', '10.0.0.0/33', '10.0.0.0/', '10.0.0/8', '::/129', 'example.com', '10.0.0.0/8/8', 'fe80::1%eth0'])(
    'refuses %j',
    (entry) => {
      expect(() => new CidrSet([entry])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    },
  )
})

describe('addresses that are not connected to', () => {
  it.each([
    ['169.254.169.254', 80],
    ['::ffff:169.254.169.254', 80],
    ['fe80::1', 80],
    ['0.0.0.0', 80],
    ['::', 80],
    ['127.0.0.1', 8080],
    ['::ffff:127.0.0.1', 8080],
    ['127.9.9.9', 9090],
    ['::1', 9090],
  ])('%s port %i', (ip, port) => {
    expect(guard().refusal(ip, port)).toBeTypeOf('string')
  })

  it.each([
    ['10.0.0.1', 8080],
    ['127.0.0.1', 8081],
    ['127.0.0.2', 8080],
    ['192.0.2.1', 9090],
    ['some.name', 8080],
  ])('but %s port %i is', (ip, port) => {
    expect(guard().refusal(ip, port)).toBeUndefined()
  })

  it('every address of this machine, for a listener on all of them', () => {
    for (const { address } of Object.values(networkInterfaces()).flatMap((found) => found ?? [])) {
      expect(guard().refusal(address, 9090)).toBeTypeOf('string')
    }
  })

  function guard(): UpstreamGuard {
    const guard = new UpstreamGuard()
    guard.addListener('127.0.0.1', 8080)
    guard.addListener('0.0.0.0', 9090)
    return guard
  }
})
