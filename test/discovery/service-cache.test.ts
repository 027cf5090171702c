import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ServiceCache } from '../../src/core/discovery/service-cache.js'
import { KeyLayout } from '../../src/core/registry/keys.js'
import { decodeService } from '../../src/core/registry/service-records.js'
import type { Entry } from '../../src/core/registry/store.js'

const layout = new KeyLayout()

function entry(key: string, value: string, revision: number, createRevision = revision, lease = 7n): Entry {
  return {
    key,
    value: Buffer.from(value),
    createRevision: BigInt(createRevision),
    modRevision: BigInt(revision),
    version: 1n,
    lease,
  }
}

function weighted(address: string, weight: number): string {
  return JSON.stringify({ Addr: address, Metadata: { weight } })
}

class Harness {
  readonly cache = new ServiceCache('web')

  put(...args: Parameters<typeof entry>) {
    const made = entry(...args)
    return this.cache.put(layout.parse(made.key)!, made)
  }

  remove(key: string, revision: number) {
    return this.cache.remove(layout.parse(key)!, key, BigInt(revision))
  }
}

describe('ServiceCache', () => {
  it('gives frozen, sorted snapshots and the same one while nothing changes', () => {
    const { cache, put } = bind(new Harness())
    put('/ns/web/b:1', '', 2)
    put('/ns/web/a:1', '', 3)
    put('/ns/.balancers/web/c:1', '', 4)
    const first = cache.snapshot(4n)
    expect(first.endpoints.map((e) => [e.address, e.role])).toEqual([
      ['a:1', 'server'],
      ['b:1', 'server'],
      ['c:1', 'balancer'],
    ])
    expect(Object.isFrozen(first) && Object.isFrozen(first.endpoints)).toBe(true)
    put('/ns/web/a:1', 'a:1', 5, 3)
    expect(cache.snapshot(5n)).toBe(first)
  })

  it('keeps the identity of endpoints that did not change', () => {
    const { cache, put } = bind(new Harness())
    put('/ns/web/a:1', '', 2)
    put('/ns/web/b:1', '', 3)
    const before = cache.snapshot(3n)
    put('/ns/web/b:1', weighted('b:1', 5), 4, 3)
    const after = cache.snapshot(4n)
    expect(after.revision).toBe(4n)
    expect(after.endpoints[0]).toBe(before.endpoints[0])
    expect(after.endpoints[1]!.weight).toBe(5)
  })

  it('takes a change that was taken back between two snapshots for none', () => {
    const { cache, put, remove } = bind(new Harness())
    put('/ns/web/a:1', '', 2)
    const before = cache.snapshot(2n)
    put('/ns/web/b:1', '', 3)
    remove('/ns/web/b:1', 4)
    expect(cache.snapshot(4n)).toBe(before)
  })

  it('lets the newest of two records with one address count, and the older one again when it goes', () => {
    const { cache, put, remove } = bind(new Harness())
    put('/ns/web/x', weighted('a:1', 1), 2)
    expect(put('/ns/web/y', weighted('a:1', 2), 3)).toMatchObject([{ type: 'put', record: { key: '/ns/web/y' } }])
    expect(cache.snapshot(3n)).toMatchObject({
      endpoints: [{ weight: 2 }],
      skipped: [{ key: '/ns/web/x', reason: expect.stringContaining('/ns/web/y') }],
    })
    expect(remove('/ns/web/y', 4)).toMatchObject([{ type: 'put', record: { key: '/ns/web/x' } }])
    expect(cache.snapshot(4n)).toMatchObject({ endpoints: [{ weight: 1 }], skipped: [] })
  })

  it('names records it cannot read and service configs that are none', () => {
    const { cache, put } = bind(new Harness())
    put('/ns/web/a:1', '{', 2)
    put('/ns/.config/web', '[]', 3)
    expect(cache.snapshot(3n).skipped.map((s) => s.key)).toEqual(['/ns/.config/web', '/ns/web/a:1'])
    put('/ns/web/a:1', '', 4, 2)
    put('/ns/.config/web', '{"loadBalancingConfig":[]}', 5, 3)
    expect(cache.snapshot(5n)).toMatchObject({ skipped: [], serviceConfig: { loadBalancingConfig: [] } })
  })

  it('tells an address that moved within its key as one that went and one that came', () => {
    const { put } = bind(new Harness())
    put('/ns/web/x', 'a:1', 2)
    expect(put('/ns/web/x', 'b:1', 3, 2).map((c) => [c.type, c.record.endpoint.address])).toEqual([
      ['delete', 'a:1'],
      ['put', 'b:1'],
    ])
  })

  it('tells a new lease as a change, although the set is equal', () => {
    const { cache, put } = bind(new Harness())
    put('/ns/web/a:1', '', 2)
    const before = cache.snapshot(2n)
    expect(put('/ns/web/a:1', '', 3, 2, 8n)).toMatchObject([{ type: 'put', record: { lease: 8n } }])
    expect(cache.snapshot(3n)).toBe(before)
  })

  it('counts an address as departed until it is registered again', () => {
    const { cache, put, remove } = bind(new Harness())
    put('/ns/web/a:1', '', 2)
    put('/ns/.gone/web/a:1', '', 3)
    remove('/ns/web/a:1', 3)
    expect([...cache.departed]).toEqual(['a:1'])
    put('/ns/web/a:1', '', 4)
    expect([...cache.departed]).toEqual([])
    remove('/ns/web/a:1', 5)
    expect([...cache.departed]).toEqual([])
  })

  it('agrees with reading all records at once, whatever came before', () => {
    const key = fc.constantFrom('/ns/web/a:1', '/ns/web/b:1', '/ns/web/x', '/ns/web/y', '/ns/.balancers/web/a:1')
    const value = fc.constantFrom('', 'a:1', 'b:1', '{', weighted('b:1', 3), weighted('c:1', 0), weighted('c:1', 9))
    const step = fc.record({ key, value: fc.option(value), look: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { cache, put, remove } = bind(new Harness())
        const entries = new Map<string, Entry>()
        steps.forEach(({ key, value, look }, i) => {
          const created = entries.get(key)?.createRevision
          if (value === null) {
            entries.delete(key)
            remove(key, i + 2)
          } else {
            const args = [key, value, i + 2, created === undefined ? i + 2 : Number(created)] as const
            entries.set(key, entry(...args))
            put(...args)
          }
          if (look) cache.snapshot(BigInt(i))
        })
        const expected = decodeService(layout, entries.values())
        const snapshot = cache.snapshot(99n)
        expect(snapshot.endpoints).toEqual(expected.registered.map((r) => r.endpoint))
        expect(cache.records()).toEqual(expected.registered)
        expect(snapshot.skipped.map((s) => s.key)).toEqual(expected.skipped.map((s) => s.key))
      }),
    )
  })
})

function bind(harness: Harness) {
  return { cache: harness.cache, put: harness.put.bind(harness), remove: harness.remove.bind(harness) }
}
