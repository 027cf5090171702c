import { describe, expect, it } from 'vitest'
import { Code, keysOf, kvsOf, ownPrefix, prefixEnd, put, revisionOf, type Subject } from './subject.js'

const RESULT = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const
const TARGET = { version: 0, create_revision: 1, mod_revision: 2, value: 3, lease: 4 } as const

const compare = (key: string, target: keyof typeof TARGET, is: keyof typeof RESULT, to: string | number) => ({
  key,
  target: TARGET[target],
  result: RESULT[is],
  [target]: to,
})
const getOp = (key: string, fields: object = {}) => ({ request_range: { key, ...fields } })
const putOp = (key: string, value = '', fields: object = {}) => ({ request_put: { key, value, ...fields } })
const deleteOp = (key: string, fields: object = {}) => ({ request_delete_range: { key, ...fields } })
const txnOp = (fields: object) => ({ request_txn: fields })
const refusedAs = (details: string) => ({ code: Code.INVALID_ARGUMENT, details })

/** Transactions. */
export function describeTxn(subject: Subject): void {
  const succeeds = async (...compares: object[]) => (await subject.etcd.call('Txn', { compare: compares }))['succeeded']

  describe('Txn comparisons', () => {
    it('compare every target with every relation', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const { ID: lease } = await etcd.call('LeaseGrant', { TTL: 60 })
      const created = await put(etcd, key, 'b')
      const modified = await put(etcd, key, 'b', { lease })
      const actual = { version: 2, create_revision: created, mod_revision: modified }
      for (const [target, value] of Object.entries(actual) as [keyof typeof actual, number][]) {
        for (const offset of [-1, 0, 1]) {
          const asked = value + offset
          const label = `${target} against ${offset}`
          expect(await succeeds(compare(key, target, '=', asked)), label).toBe(value === asked)
          expect(await succeeds(compare(key, target, '!=', asked)), label).toBe(value !== asked)
          expect(await succeeds(compare(key, target, '<', asked)), label).toBe(value < asked)
          expect(await succeeds(compare(key, target, '>', asked)), label).toBe(value > asked)
        }
      }
      expect(await succeeds(compare(key, 'value', '=', 'b'), compare(key, 'value', '>', 'a'))).toBe(true)
      expect(await succeeds(compare(key, 'value', '<', 'b'))).toBe(false)
      expect(await succeeds(compare(key, 'lease', '=', lease as string))).toBe(true)
      expect(await succeeds(compare(key, 'lease', '=', '0'))).toBe(false)
      expect(await succeeds(compare(key, 'lease', '<', '9223372036854775807'))).toBe(true)
    })

    it('take a missing key for zeros, but never for a value', async () => {
      const key = ownPrefix()
      for (const target of ['version', 'create_revision', 'mod_revision', 'lease'] as const) {
        expect(await succeeds(compare(key, target, '=', 0)), target).toBe(true)
        expect(await succeeds(compare(key, target, '>', 0)), target).toBe(false)
      }
      expect(await succeeds(compare(key, 'value', '=', ''))).toBe(false)
      expect(await succeeds(compare(key, 'value', '!=', 'x'))).toBe(false)
    })

    it('hold for a range when they hold for every key of it', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      await put(etcd, `${prefix}a`, '1')
      await put(etcd, `${prefix}b`, '1')
      const range = { range_end: prefixEnd(prefix) }
      expect(await succeeds({ ...compare(prefix, 'value', '=', '1'), ...range })).toBe(true)
      await put(etcd, `${prefix}b`, '2')
      expect(await succeeds({ ...compare(prefix, 'value', '=', '1'), ...range })).toBe(false)
      expect(await succeeds({ ...compare(prefix, 'version', '>', 0), ...range })).toBe(true)
      expect(await succeeds({ ...compare(`${prefix}c`, 'version', '=', 0), ...range })).toBe(true)
    })

    it('take an unset operand for zero', async () => {
      const key = ownPrefix()
      expect(await succeeds({ key, target: TARGET.version, result: RESULT['='] })).toBe(true)
      expect(await succeeds({ key, target: TARGET.version, result: RESULT['='], mod_revision: 5 })).toBe(true)
    })
  })

  describe('Txn', () => {
    it('applies one branch in one revision; later operations see earlier ones', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const before = await put(etcd, `${prefix}old`, 'x')
      const all = { range_end: prefixEnd(prefix) }
      const done = await etcd.call('Txn', {
        compare: [compare(`${prefix}old`, 'version', '=', 1)],
        success: [
          getOp(prefix, all),
          putOp(`${prefix}b`, '1', { prev_kv: true }),
          putOp(`${prefix}a`, '2'),
          getOp(prefix, all),
          deleteOp(`${prefix}old`, { prev_kv: true }),
          getOp(prefix, { ...all, count_only: true }),
        ],
        failure: [putOp(`${prefix}never`)],
      })
      const after = `${before + 1}`
      expect(done).toMatchObject({ succeeded: true, header: { revision: after } })
      expect(done['responses']).toMatchObject([
        { response_range: { count: '1', header: { revision: `${before}` } } },
        { response_put: { prev_kv: null, header: { revision: after } } },
        { response_put: { header: { revision: after } } },
        { response_range: { count: '3', header: { revision: after } } },
        { response_delete_range: { deleted: '1', prev_kvs: [{ value: 'x' }], header: { revision: after } } },
        { response_range: { count: '2', kvs: [] } },
      ])
      const kvs = kvsOf(await etcd.call('Range', { key: prefix, ...all }))
      expect(kvs).toMatchObject([
        { key: `${prefix}a`, mod_revision: after },
        { key: `${prefix}b`, mod_revision: after },
      ])
    })

    it('gives nested responses a header with a revision and nothing else', async () => {
      const { etcd } = subject
      const done = await etcd.call('Txn', { success: [putOp(ownPrefix())] })
      const header = { cluster_id: '0', member_id: '0', raft_term: '0', revision: done.header.revision }
      expect(done['responses']).toMatchObject([{ response_put: { header } }])
      expect(done.header.cluster_id).not.toBe('0')
    })

    it('makes no revision when nothing changes', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const before = await put(etcd, key)
      for (const success of [[], [getOp(key)], [deleteOp(`${key}none`)], [getOp(key), deleteOp(`${key}none`)]]) {
        expect(revisionOf(await etcd.call('Txn', { success }))).toBe(before)
      }
    })

    it('decides nested transactions before the first operation', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const nested = txnOp({
        compare: [compare(key, 'version', '=', 0)],
        success: [putOp(`${key}/absent`)],
        failure: [putOp(`${key}/present`)],
      })
      const done = await etcd.call('Txn', { success: [putOp(key), nested, getOp(key, { range_end: prefixEnd(key) })] })
      expect(done['responses']).toMatchObject([
        { response_put: {} },
        { response_txn: { succeeded: true, responses: [{ response_put: {} }] } },
        { response_range: { kvs: [{ key }, { key: `${key}/absent` }] } },
      ])
      const [, inner] = done['responses'] as { response_txn: { header: object } }[]
      expect(inner!.response_txn.header).toEqual({ cluster_id: '0', member_id: '0', raft_term: '0', revision: '0' })
    })

    it('refuses to touch a key twice in one branch', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const refused = refusedAs('etcdserver: duplicate key given in txn request')
      const range = { range_end: prefixEnd(key) }
      const twice = [putOp(key, '1'), putOp(key, '2')]
      for (const branch of [
        twice,
        [putOp(key), deleteOp(key)],
        [deleteOp(key, range), putOp(`${key}a`)],
        [putOp(key), txnOp({ success: [putOp(key)] })],
        [deleteOp(key), txnOp({ failure: [putOp(key)] })],
        [txnOp({ success: [putOp(key)] }), txnOp({ success: [putOp(key)] })],
      ]) {
        expect(await etcd.refusal('Txn', { success: branch })).toEqual(refused)
        expect(await etcd.refusal('Txn', { failure: branch })).toEqual(refused)
      }
      await etcd.call('Txn', { success: [deleteOp(key, range), deleteOp(key)] })
      await etcd.call('Txn', { success: [putOp(key)], failure: [putOp(key)] })
      await etcd.call('Txn', { success: [txnOp({ success: [putOp(key)], failure: [putOp(key)] })] })
    })

    it('takes 128 operations, nested ones included, and no more', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const puts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => putOp(`${prefix}${from + i}`))
      const refused = refusedAs('etcdserver: too many operations in txn request')
      expect((await etcd.call('Txn', { success: puts(128) }))['responses']).toHaveLength(128)
      expect(await etcd.refusal('Txn', { success: puts(129) })).toEqual(refused)
      expect(await etcd.refusal('Txn', { failure: puts(129) })).toEqual(refused)
      const compares = Array.from({ length: 129 }, () => compare(prefix, 'version', '=', 0))
      expect(await etcd.refusal('Txn', { compare: compares })).toEqual(refused)
      await etcd.call('Txn', { success: [txnOp({ success: puts(127) })] })
      expect(await etcd.refusal('Txn', { success: [txnOp({ success: puts(128) })] })).toEqual(refused)
    })

    it('refuses malformed operations', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const noKey = refusedAs('etcdserver: key is not provided')
      for (const op of [getOp(''), putOp(''), deleteOp(''), txnOp({ success: [putOp('')] })]) {
        expect(await etcd.refusal('Txn', { success: [op] })).toEqual(noKey)
      }
      expect(await etcd.refusal('Txn', { compare: [compare('', 'version', '=', 0)] })).toEqual(noKey)
      expect(await etcd.refusal('Txn', { success: [{}] })).toEqual(refusedAs('etcdserver: key not found'))
      expect(await etcd.refusal('Txn', { success: [putOp(key, 'a', { ignore_value: true })] })).toEqual(
        refusedAs('etcdserver: value is provided'),
      )
    })

    it('changes nothing when one operation of the branch taken cannot be done', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const before = await put(etcd, ownPrefix())
      const future = {
        code: Code.OUT_OF_RANGE,
        details: 'etcdserver: mvcc: required revision is a future revision',
      }
      expect(await etcd.refusal('Txn', { success: [putOp(key), getOp(key, { revision: before + 1 })] })).toEqual(future)
      expect(await etcd.refusal('Txn', { success: [putOp(key), putOp(`${key}b`, '', { lease: '99' })] })).toEqual({
        code: Code.NOT_FOUND,
        details: 'etcdserver: requested lease not found',
      })
      expect(
        await etcd.refusal('Txn', { success: [putOp(key), putOp(`${key}b`, '', { ignore_value: true })] }),
      ).toEqual(refusedAs('etcdserver: key not found'))
      const other = { compare: [compare(key, 'version', '>', 0)], success: [putOp(`${key}b`, '', { lease: '99' })] }
      expect(await etcd.call('Txn', { ...other, failure: [getOp(key)] })).toMatchObject({ succeeded: false })
      const found = await etcd.call('Range', { key, range_end: prefixEnd(key) })
      expect(keysOf(found)).toEqual([])
      expect(revisionOf(found)).toBe(before)
    })
  })
}
