import { describe, expect, it } from 'vitest'
import { Code, keysOf, kvsOf, ownPrefix, prefixEnd, put, remove, revisionOf, type Subject } from './subject.js'

/** Put, DeleteRange, Range and Compact. */
export function describeKv(subject: Subject): void {
  const NO_KEY = { code: Code.INVALID_ARGUMENT, details: 'etcdserver: key is not provided' }
  const KEY_NOT_FOUND = { code: Code.INVALID_ARGUMENT, details: 'etcdserver: key not found' }
  const COMPACTED = { code: Code.OUT_OF_RANGE, details: 'etcdserver: mvcc: required revision has been compacted' }
  const FUTURE = { code: Code.OUT_OF_RANGE, details: 'etcdserver: mvcc: required revision is a future revision' }

  describe('Put', () => {
    it('makes a revision and a version each time, with the same value too', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const first = await put(etcd, key, 'a')
      expect(await put(etcd, key, 'a')).toBe(first + 1)
      const found = await etcd.call('Range', { key })
      const kv = {
        key,
        value: 'a',
        create_revision: `${first}`,
        mod_revision: `${first + 1}`,
        version: '2',
        lease: '0',
      }
      expect(found).toMatchObject({ kvs: [kv], more: false, count: '1', header: { revision: `${first + 1}` } })
    })

    it('creates anew after a delete', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      await put(etcd, key, 'a')
      await put(etcd, key, 'b')
      await remove(etcd, key)
      const revision = await put(etcd, key, 'c')
      const [kv] = kvsOf(await etcd.call('Range', { key }))
      expect(kv).toMatchObject({ version: '1', create_revision: `${revision}`, mod_revision: `${revision}` })
    })

    it('returns the previous pair when asked, none for a new key', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      expect(await etcd.call('Put', { key, value: 'a', prev_kv: true })).toMatchObject({ prev_kv: null })
      const again = await etcd.call('Put', { key, value: 'b', prev_kv: true })
      expect(again).toMatchObject({ prev_kv: { key, value: 'a', version: '1' } })
      expect(await etcd.call('Put', { key, value: 'c' })).toMatchObject({ prev_kv: null })
    })

    it('keeps the value or the lease when told to ignore it', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const { ID: lease } = await etcd.call('LeaseGrant', { TTL: 60 })
      await put(etcd, key, 'a')
      await put(etcd, key, '', { ignore_value: true, lease })
      expect(kvsOf(await etcd.call('Range', { key }))).toMatchObject([{ value: 'a', lease, version: '2' }])
      await put(etcd, key, 'b', { ignore_lease: true })
      expect(kvsOf(await etcd.call('Range', { key }))).toMatchObject([{ value: 'b', lease, version: '3' }])
    })

    it('refuses what it cannot do, in etcd’s words', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      expect(await etcd.refusal('Put', { value: 'a' })).toEqual(NO_KEY)
      expect(await etcd.refusal('Put', { key, ignore_value: true })).toEqual(KEY_NOT_FOUND)
      expect(await etcd.refusal('Put', { key, value: 'a', ignore_lease: true })).toEqual(KEY_NOT_FOUND)
      expect(await etcd.refusal('Put', { key, value: 'a', ignore_value: true })).toEqual({
        code: Code.INVALID_ARGUMENT,
        details: 'etcdserver: value is provided',
      })
      expect(await etcd.refusal('Put', { key, lease: '7', ignore_lease: true })).toEqual({
        code: Code.INVALID_ARGUMENT,
        details: 'etcdserver: lease is provided',
      })
      expect(await etcd.refusal('Put', { key, lease: '7' })).toEqual({
        code: Code.NOT_FOUND,
        details: 'etcdserver: requested lease not found',
      })
      expect(await etcd.call('Range', { key })).toMatchObject({ kvs: [], count: '0' })
    })

    it('takes a request just below 1.5 MiB and refuses one above', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const limit = 1.5 * 1024 * 1024
      await put(etcd, key, 'x'.repeat(limit - 100))
      expect(await etcd.refusal('Put', { key, value: 'x'.repeat(limit) })).toEqual({
        code: Code.INVALID_ARGUMENT,
        details: 'etcdserver: request is too large',
      })
      await remove(etcd, key)
    })
  })

  describe('DeleteRange', () => {
    it('deletes a range in one revision and returns the pairs when asked', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      for (const name of ['a', 'b', 'c']) await put(etcd, prefix + name, name)
      const before = await put(etcd, `${prefix}d`, 'd')
      const range = { key: `${prefix}a`, range_end: `${prefix}c`, prev_kv: true }
      const deleted = await etcd.call('DeleteRange', range)
      expect(deleted).toMatchObject({ deleted: '2', prev_kvs: [{ value: 'a' }, { value: 'b' }] })
      expect(revisionOf(deleted)).toBe(before + 1)
      expect(keysOf(await etcd.call('Range', { key: prefix, range_end: prefixEnd(prefix) }))).toEqual([
        `${prefix}c`,
        `${prefix}d`,
      ])
    })

    it('makes no revision where there is nothing to delete', async () => {
      const { etcd } = subject
      const before = await put(etcd, ownPrefix())
      const deleted = await etcd.call('DeleteRange', { key: ownPrefix() })
      expect(deleted).toMatchObject({ deleted: '0', prev_kvs: [] })
      expect(revisionOf(deleted)).toBe(before)
      expect(await etcd.refusal('DeleteRange', {})).toEqual(NO_KEY)
    })
  })

  describe('Range', () => {
    it('finds one key, an interval, a prefix, everything from a key on, and nothing in an empty interval', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const names = ['a', 'a\0', 'a\xff', 'b', 'c'].map((name) => prefix + name)
      for (const name of names) await put(etcd, name)
      const find = async (key: string, range_end?: string) => keysOf(await etcd.call('Range', { key, range_end }))
      expect(await find(`${prefix}a`)).toEqual([`${prefix}a`])
      expect(await find(`${prefix}a`, `${prefix}b`)).toEqual(names.slice(0, 3))
      expect(await find(prefix, prefixEnd(prefix))).toEqual(names)
      expect((await find(`${prefix}b`, '\0')).slice(0, 2)).toEqual([`${prefix}b`, `${prefix}c`])
      expect(await find('\0', '\0')).toEqual(expect.arrayContaining(names))
      expect(await find(`${prefix}c`, `${prefix}a`)).toEqual([])
      expect(await find(`${prefix}c`, `${prefix}c`)).toEqual([])
      expect(await etcd.refusal('Range', {})).toEqual(NO_KEY)
    })

    it('limits, counts all the same, and says when there is more', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      for (const name of ['a', 'b', 'c']) await put(etcd, prefix + name, 'value')
      const range = { key: prefix, range_end: prefixEnd(prefix) }
      expect(await etcd.call('Range', { ...range, limit: 2 })).toMatchObject({
        kvs: [{ key: `${prefix}a` }, { key: `${prefix}b` }],
        count: '3',
        more: true,
      })
      expect(await etcd.call('Range', { ...range, limit: 3 })).toMatchObject({ count: '3', more: false })
      expect(await etcd.call('Range', { ...range, count_only: true })).toMatchObject({
        kvs: [],
        count: '3',
        more: false,
      })
      const keys = await etcd.call('Range', { ...range, keys_only: true })
      expect(kvsOf(keys).map(({ value }) => value)).toEqual(['', '', ''])
      expect(kvsOf(await etcd.call('Range', range))[0]!.value).toBe('value')
    })

    it('sorts by every target in both orders', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      await put(etcd, `${prefix}c`, '3')
      await put(etcd, `${prefix}a`, '9')
      await put(etcd, `${prefix}b`, '1')
      await put(etcd, `${prefix}a`, '2')
      await put(etcd, `${prefix}a`, '2')
      await put(etcd, `${prefix}c`, '3')
      const range = { key: prefix, range_end: prefixEnd(prefix) }
      const orders = { key: 'abc', version: 'bca', create: 'cab', mod: 'bac', value: 'bac' }
      for (const [target, [, expected]] of Object.entries(orders).entries()) {
        const sorted = async (sort_order: number, limit = 0) =>
          keysOf(await etcd.call('Range', { ...range, sort_target: target, sort_order, limit }))
            .map((key) => key.at(-1))
            .join('')
        expect(await sorted(1)).toBe(expected)
        expect(await sorted(2)).toBe([...expected].reverse().join(''))
        expect(await sorted(0)).toBe(expected)
        expect(await sorted(2, 1)).toBe(expected.at(-1))
      }
    })

    it('filters by revision, counting what is filtered out', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const first = await put(etcd, `${prefix}a`)
      await put(etcd, `${prefix}b`)
      await put(etcd, `${prefix}c`)
      const last = await put(etcd, `${prefix}a`)
      const find = async (filter: object) => {
        const found = await etcd.call('Range', { key: prefix, range_end: prefixEnd(prefix), ...filter })
        const names = keysOf(found).map((key) => key.at(-1))
        return `${names.join('')}/${found['count']}${found['more'] ? '+' : ''}`
      }
      expect(await find({ min_mod_revision: last })).toBe('a/3')
      expect(await find({ max_mod_revision: last - 1 })).toBe('bc/3')
      expect(await find({ max_mod_revision: last - 1, limit: 1 })).toBe('b/3+')
      expect(await find({ min_create_revision: first + 1 })).toBe('bc/3')
      expect(await find({ max_create_revision: first })).toBe('a/3')
      expect(await find({ min_create_revision: first, max_mod_revision: first + 1 })).toBe('b/3')
    })

    it('reads old revisions under a current header, and refuses future ones', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const first = await put(etcd, `${prefix}a`, '1')
      await put(etcd, `${prefix}b`, '1')
      const second = await put(etcd, `${prefix}a`, '2')
      const last = await remove(etcd, `${prefix}a`)
      const at = (revision: number) => etcd.call('Range', { key: prefix, range_end: prefixEnd(prefix), revision })
      expect(await at(first)).toMatchObject({ kvs: [{ value: '1', version: '1' }], count: '1' })
      expect(await at(second)).toMatchObject({ kvs: [{ value: '2', version: '2' }, { key: `${prefix}b` }] })
      expect(await at(last)).toMatchObject({ kvs: [{ key: `${prefix}b` }], header: { revision: `${last}` } })
      expect(revisionOf(await at(first))).toBe(last)
      expect(await at(-1)).toMatchObject({ count: '1' })
      expect(await etcd.refusal('Range', { key: prefix, revision: last + 1 })).toEqual(FUTURE)
    })
  })

  describe('Compact', () => {
    it('keeps the compacted revision readable and nothing below', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      await put(etcd, key, '1')
      const middle = await put(etcd, key, '2')
      const last = await put(etcd, key, '3')
      expect(revisionOf(await etcd.call('Compact', { revision: middle }))).toBe(last)
      expect(kvsOf(await etcd.call('Range', { key, revision: middle }))).toMatchObject([{ value: '2', version: '2' }])
      expect(kvsOf(await etcd.call('Range', { key }))).toMatchObject([{ value: '3', version: '3' }])
      expect(await etcd.refusal('Range', { key, revision: middle - 1 })).toEqual(COMPACTED)
      expect(await etcd.refusal('Compact', { revision: middle })).toEqual(COMPACTED)
      expect(await etcd.refusal('Compact', { revision: middle - 1 })).toEqual(COMPACTED)
      expect(await etcd.refusal('Compact', { revision: last + 1 })).toEqual(FUTURE)
    })
  })
}
