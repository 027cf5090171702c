import { describe, expect, it } from 'vitest'
import { KeyLayout } from '../../src/core/registry/keys.js'

const layout = new KeyLayout()

describe('key layout', () => {
  it('puts everything below the prefix', () => {
    expect(layout.record('web', '10.0.0.5:8080', 'server')).toBe('/ns/web/10.0.0.5:8080')
    expect(layout.record('web', '10.0.0.5:8080', 'balancer')).toBe('/ns/.balancers/web/10.0.0.5:8080')
    expect(layout.tombstone('web', '[::1]:80')).toBe('/ns/.gone/web/[::1]:80')
    expect(layout.config('web')).toBe('/ns/.config/web')
    expect(layout.records('web')).toBe('/ns/web/')
    expect(layout.balancers('web')).toBe('/ns/.balancers/web/')
    expect(layout.root).toBe('/ns/')
  })

  it.each([
    ['/ns', '/ns'],
    ['/ns/', '/ns'],
    ['/a/b//', '/a/b'],
    ['kitex', 'kitex'],
    ['/', ''],
  ])('reads the prefix %j as %j', (text, prefix) => {
    expect(new KeyLayout(text).prefix).toBe(prefix)
  })

  it.each(['/a\nb', '/\0', 'x'.repeat(513)])('refuses the prefix %j', (text) => {
    expect(() => new KeyLayout(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it.each([
    ['/ns/web/10.0.0.5:80', { kind: 'record', service: 'web', tail: '10.0.0.5:80' }],
    ['/ns/web/', { kind: 'record', service: 'web', tail: '' }],
    ['/ns/web/a/10.0.0.5:80', { kind: 'record', service: 'web', tail: 'a/10.0.0.5:80' }],
    ['/ns/.balancers/web/lb:80', { kind: 'balancer', service: 'web', tail: 'lb:80' }],
    ['/ns/.gone/web/10.0.0.5:80', { kind: 'gone', service: 'web', tail: '10.0.0.5:80' }],
    ['/ns/.config/web', { kind: 'config', service: 'web', tail: '' }],
  ])('parses %s', (key, parsed) => {
    expect(layout.parse(key)).toEqual(parsed)
  })

  it.each([
    '/ns',
    '/ns/',
    '/ns/web',
    '/nsx/web/a:1',
    '/ns/.other/web/a:1',
    '/ns/.balancers/web',
    '/ns/.config/web/x',
    '/ns/.gone/web',
    '/ns//a:1',
    '/ns/.balancers/.x/a:1',
    '/ns/sp ace/a:1',
    '',
  ])('knows that %j is none of its keys', (key) => {
    expect(layout.parse(key)).toBeUndefined()
  })
})
