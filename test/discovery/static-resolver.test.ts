import { describe, expect, it } from 'vitest'
import { createStaticResolver, parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'

describe('static endpoints', () => {
  it('reads addresses and weights, in the order given', () => {
    const endpoints = parseStaticEndpoints('10.0.0.6:80, 10.0.0.5:80@3,[::1]:80@0')
    expect(endpoints.map((e) => [e.address, e.weight])).toEqual([
      ['10.0.0.6:80', 1],
      ['10.0.0.5:80', 3],
      ['[::1]:80', 0],
    ])
    expect(endpoints[1]).toEqual({
      id: '10.0.0.5:80',
      address: '10.0.0.5:80',
      host: '10.0.0.5',
      port: 80,
      weight: 3,
      state: 'ready',
      role: 'server',
      meta: {},
    })
    expect(Object.isFrozen(endpoints) && endpoints.every((e) => Object.isFrozen(e))).toBe(true)
  })

  it.each([
    ['', 'empty'],
    ['a:1,', 'empty'],
    ['a:1,A:01', 'a:1 is listed twice'],
    ['a:1@1001', '"1001"'],
    ['a:1@-1', '"-1"'],
    ['a:1@', '""'],
    ['a:1@1.5', '"1.5"'],
    ['a', 'host:port'],
    ['0.0.0.0:1', 'unspecified'],
  ])('refuses %j', (text, reason) => {
    expect(() => parseStaticEndpoints(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(reason) }),
    )
  })

  it('resolves to one snapshot and ends with the signal', async () => {
    const abort = new AbortController()
    const endpoints = parseStaticEndpoints('a:1')
    const seen = []
    for await (const resolution of createStaticResolver(endpoints).resolve('web', abort.signal)) {
      seen.push(resolution)
      setImmediate(() => abort.abort())
    }
    expect(seen).toEqual([
      { kind: 'snapshot', snapshot: { service: 'web', revision: 0n, endpoints, skipped: [] }, departed: new Set() },
    ])
  })
})
