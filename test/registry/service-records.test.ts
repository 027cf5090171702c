import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyLayout } from '../../src/core/registry/keys.js'
import { decodeService } from '../../src/core/registry/service-records.js'
import { storeEntry } from '../support/store-entry.js'

const layout = new KeyLayout()

describe('the records of a service', () => {
  it('are sorted by address, with their leases', () => {
    const { registered, skipped } = decodeService(layout, [
      storeEntry('/ns/web/10.0.0.2:80', '', { lease: 7n, createRevision: 5n, modRevision: 9n }),
      storeEntry('/ns/web/10.0.0.1:80', ''),
      storeEntry('/ns/.balancers/web/10.0.0.3:80', ''),
    ])
    expect(registered.map((r) => [r.endpoint.address, r.endpoint.role])).toEqual([
      ['10.0.0.1:80', 'server'],
      ['10.0.0.2:80', 'server'],
      ['10.0.0.3:80', 'balancer'],
    ])
    expect(registered[1]).toMatchObject({
      key: '/ns/web/10.0.0.2:80',
      lease: 7n,
      createRevision: 5n,
      modRevision: 9n,
    })
    expect(skipped).toEqual([])
  })

  it('ignores keys that are no records', () => {
    expect(decodeService(layout, [storeEntry('/ns/.gone/web/a:1', ''), storeEntry('/ns/.config/web', '{}')])).toEqual({
      registered: [],
      skipped: [],
    })
  })

  it('name what cannot be read without losing the rest', () => {
    const { registered, skipped } = decodeService(layout, [
      storeEntry('/ns/web/bad', '{'),
      storeEntry('/ns/web/10.0.0.1:80', ''),
    ])
    expect(registered).toHaveLength(1)
    expect(skipped).toEqual([{ key: '/ns/web/bad', reason: expect.stringContaining('not JSON') }])
  })

  it('count one address once: the record created last, in whatever order they come', () => {
    const entries = [1n, 2n, 3n].map((revision) =>
      storeEntry(`/ns/web/k${revision}`, `{"Addr":"a:1","Metadata":{"id":"${revision}"}}`, {
        createRevision: revision,
      }),
    )
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: 3 }), (shuffled) => {
        const { registered, skipped } = decodeService(layout, shuffled)
        expect(registered.map((r) => r.endpoint.id)).toEqual(['3'])
        expect(skipped.map((s) => s.key)).toEqual(['/ns/web/k1', '/ns/web/k2'])
        expect(skipped[0]!.reason).toMatch(/repeats the address a:1/)
      }),
    )
  })
})
