import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Condition, Store } from '../../src/core/registry/store.js'
import { drain, follow } from '../support/watching.js'

export interface StoreUnderTest {
  readonly store: Store
  /** Another store on the same registry. Who opens it closes it. */
  openAnother(): Store
  /** Forgets what happened before `revision`. */
  compact(revision: bigint): Promise<void>
  close(): Promise<void>
}

/** What every Store has to do, whatever it stands on. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    let subject: StoreUnderTest
    let store: Store
    let count = 0
    let prefix: string

    beforeAll(async () => {
      subject = await open()
      store = subject.store
    })
    afterAll(() => subject?.close())
    beforeEach(() => void (prefix = `/contract-${++count}/`))

    const put = (key: string, value: string | Buffer = 'v', lease?: bigint) =>
      store.txn({ then: [{ type: 'put', key: prefix + key, value, ...(lease === undefined ? {} : { lease }) }] })
    const remove = (key: string) => store.txn({ then: [{ type: 'delete', key: prefix + key }] })

    describe('get and list', () => {
      it('reads one key with all that is known of it', async () => {
        const first = await put('a', 'one')
        const second = await put('a', 'two')
        const reading = await store.get(`${prefix}a`)
        expect(reading.entry).toEqual({
          key: `${prefix}a`,
          value: Buffer.from('two'),
          createRevision: first.revision,
          modRevision: second.revision,
          version: 2n,
          lease: 0n,
        })
        expect(reading.revision).toBe(second.revision)
        expect(reading.clusterId).toBe(first.clusterId)
      })

      it('tells a missing key from an empty value', async () => {
        await put('empty', '')
        expect((await store.get(`${prefix}empty`)).entry?.value).toHaveLength(0)
        expect((await store.get(`${prefix}missing`)).entry).toBeUndefined()
      })

      it('lists what starts with the prefix, in key order, and nothing else', async () => {
        for (const key of ['b', 'a/2', 'a/1', 'ä']) await put(key)
        await store.txn({ then: [{ type: 'put', key: `${prefix.slice(0, -1)}0`, value: 'beside' }] })
        const { entries } = await store.list(prefix)
        expect(entries.map(({ key }) => key.slice(prefix.length))).toEqual(['a/1', 'a/2', 'b', 'ä'])
        expect((await store.list(`${prefix}nothing`)).entries).toEqual([])
        expect((await store.list('')).entries.length).toBeGreaterThanOrEqual(5)
      })

      it('lists keys without values', async () => {
        await put('a', 'a value')
        const { entries } = await store.list(prefix, { keysOnly: true })
        expect(entries.map(({ key, value }) => [key, value.length])).toEqual([[`${prefix}a`, 0]])
      })

      it('lists more than fits one page, once each and in order', async () => {
        const total = 11_000
        for (let i = 0; i < total; i += 100) {
          await store.txn({ then: range(i, i + 100).map((n) => ({ type: 'put', key: numbered(n), value: `${n}` })) })
        }
        const { entries } = await store.list(prefix)
        expect(entries.map(({ key }) => key)).toEqual(range(0, total).map(numbered))
      })

      it('lists more than fits one message', async () => {
        const large = Buffer.alloc(700_000, 'x')
        for (const n of range(0, 9)) await put(`large-${n}`, large)
        const { entries } = await store.list(prefix)
        expect(entries.map(({ value }) => value.length)).toEqual(range(0, 9).map(() => large.length))
      })

      it('fails at once when the signal has aborted', async () => {
        await expect(store.get(`${prefix}a`, { signal: AbortSignal.abort() })).rejects.toMatchObject({
          code: 'ABORTED',
        })
        await expect(store.list(prefix, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
      })
    })

    describe('transactions', () => {
      it('applies one branch or the other, under one revision', async () => {
        const first = await put('a', 'old')
        const key = `${prefix}a`
        const moved = await store.txn({
          when: [{ key, target: 'value', is: '=', value: 'old' }],
          then: [
            { type: 'put', key, value: 'new' },
            { type: 'put', key: `${prefix}b`, value: 'beside' },
            { type: 'get', key },
          ],
          otherwise: [{ type: 'delete', key }],
        })
        expect(moved.succeeded).toBe(true)
        expect(moved.revision).toBe(first.revision + 1n)
        expect(moved.results.map((entries) => entries.map(({ value }) => value.toString()))).toEqual([[], [], ['new']])
        const { entries } = await store.list(prefix)
        expect(entries.map(({ modRevision }) => modRevision)).toEqual([moved.revision, moved.revision])

        const refused = await store.txn({
          when: [{ key, target: 'value', is: '=', value: 'old' }],
          then: [{ type: 'delete', key }],
          otherwise: [{ type: 'get', key }],
        })
        expect(refused.succeeded).toBe(false)
        expect(refused.revision).toBe(moved.revision)
        expect(refused.results[0]?.[0]?.value.toString()).toBe('new')
      })

      it('compares every target in every way', async () => {
        const lease = await store.grantLease(60)
        await put('a', 'm')
        const { revision } = await put('a', 'm', lease.id)
        const key = `${prefix}a`
        const actual = { version: 2n, createRevision: revision - 1n, modRevision: revision, lease: lease.id } as const
        for (const [target, value] of Object.entries(actual) as [keyof typeof actual, bigint][]) {
          expect(await holds({ key, target, is: '=', value })).toBe(true)
          expect(await holds({ key, target, is: '!=', value })).toBe(false)
          expect(await holds({ key, target, is: '<', value: value + 1n })).toBe(true)
          expect(await holds({ key, target, is: '<', value })).toBe(false)
          expect(await holds({ key, target, is: '>', value: value - 1n })).toBe(true)
          expect(await holds({ key, target, is: '>', value })).toBe(false)
        }
        expect(await holds({ key, target: 'value', is: '=', value: Buffer.from('m') })).toBe(true)
        expect(await holds({ key, target: 'value', is: '!=', value: 'm' })).toBe(false)
        await store.revokeLease(lease.id)
      })

      it('takes a missing key for one of version 0, and its value for nothing comparable', async () => {
        const key = `${prefix}missing`
        expect(await holds({ key, target: 'version', is: '=', value: 0n })).toBe(true)
        expect(await holds({ key, target: 'createRevision', is: '=', value: 0n })).toBe(true)
        expect(await holds({ key, target: 'lease', is: '=', value: 0n })).toBe(true)
        expect(await holds({ key, target: 'value', is: '=', value: '' })).toBe(false)
        expect(await holds({ key, target: 'value', is: '!=', value: 'x' })).toBe(false)
      })

      it('needs every condition to hold', async () => {
        const { revision } = await put('a')
        const key = `${prefix}a`
        const right: Condition = { key, target: 'modRevision', is: '=', value: revision }
        const wrong: Condition = { key, target: 'version', is: '=', value: 7n }
        expect((await store.txn({ when: [right, right], then: [] })).succeeded).toBe(true)
        expect((await store.txn({ when: [right, wrong], then: [] })).succeeded).toBe(false)
      })

      it('starts a key over after it was deleted', async () => {
        await put('a')
        await put('a')
        await remove('a')
        const { revision } = await put('a')
        expect((await store.get(`${prefix}a`)).entry).toMatchObject({ version: 1n, createRevision: revision })
      })

      it('changes nothing, revision included, where there is nothing to delete', async () => {
        const { revision } = await put('a')
        expect((await remove('missing')).revision).toBe(revision)
      })

      it('refuses to write a key twice in one transaction', async () => {
        const twice = range(0, 2).map((n) => ({ type: 'put', key: `${prefix}a`, value: `${n}` }) as const)
        await expect(store.txn({ then: twice })).rejects.toMatchObject({
          code: 'REFUSED',
          message: expect.stringContaining('duplicate key'),
        })
        expect((await store.get(`${prefix}a`)).entry).toBeUndefined()
      })
    })

    describe('leases', () => {
      it('grants, describes and revokes a lease with its keys', async () => {
        const lease = await store.grantLease(60)
        expect(lease.id).toBeGreaterThan(0n)
        expect(lease.ttlSeconds).toBe(60)
        await put('a', 'v', lease.id)
        expect((await store.get(`${prefix}a`)).entry?.lease).toBe(lease.id)
        const info = await store.leaseInfo(lease.id)
        expect(info).toMatchObject({ id: lease.id, ttlSeconds: 60 })
        expect(info!.remainingSeconds).toBeGreaterThan(50)
        expect(info!.remainingSeconds).toBeLessThanOrEqual(60)
        expect(info!.term).toBeGreaterThan(0n)

        await store.revokeLease(lease.id)
        expect((await store.get(`${prefix}a`)).entry).toBeUndefined()
        expect(await store.leaseInfo(lease.id)).toBeUndefined()
      })

      it('takes the revocation of a lease that is gone for done', async () => {
        const lease = await store.grantLease(60)
        await store.revokeLease(lease.id)
        await store.revokeLease(lease.id)
      })

      it('grants an id of choice once', async () => {
        const id = 0x7000_0000_0000_0000n + BigInt(Math.floor(Math.random() * 2 ** 40))
        expect(await store.grantLease(60, { id })).toEqual({ id, ttlSeconds: 60 })
        await expect(store.grantLease(60, { id })).rejects.toMatchObject({ code: 'CONFLICT' })
        await store.revokeLease(id)
      })

      it('raises a TTL that is too short', async () => {
        const lease = await store.grantLease(1)
        expect(lease.ttlSeconds).toBeGreaterThan(1)
        await store.revokeLease(lease.id)
      })

      it('puts nothing under a lease that does not exist', async () => {
        await expect(put('a', 'v', 0x6fffn)).rejects.toMatchObject({ code: 'NOT_FOUND' })
        expect((await store.get(`${prefix}a`)).entry).toBeUndefined()
      })

      it('detaches a key that is put again without the lease', async () => {
        const lease = await store.grantLease(60)
        await put('a', 'v', lease.id)
        await put('a', 'v')
        await store.revokeLease(lease.id)
        expect((await store.get(`${prefix}a`)).entry?.lease).toBe(0n)
      })

      it('lets a lease expire that nobody renews', async () => {
        const { revision } = await put('b')
        const lease = await store.grantLease(2)
        await put('a', 'v', lease.id)
        const watch = follow(store, [prefix], revision + 1n)
        await watch.until(({ changes }) => changes.includes(`-${prefix}a`))
        await watch.stop()
        expect(await store.leaseInfo(lease.id)).toBeUndefined()
      })

      it('renews leases over one stream and tells which are gone', async () => {
        const [kept, gone] = [await store.grantLease(60), await store.grantLease(60)]
        await store.revokeLease(gone.id)
        const answers = new Map<bigint, number>()
        await new Promise<void>((resolve, reject) => {
          const stream = store.openKeepAlive({
            onAnswer(id, ttl) {
              answers.set(id, ttl)
              if (answers.size < 2) return
              stream.close()
              resolve()
            },
            onEnd: reject,
          })
          stream.send(kept.id)
          stream.send(gone.id)
        })
        expect(answers).toEqual(
          new Map([
            [kept.id, 60],
            [gone.id, 0],
          ]),
        )
        await store.revokeLease(kept.id)
      })
    })

    describe('watch', () => {
      it('confirms first, then tells every change in order and without gaps', async () => {
        const { revision } = await put('a', '1')
        const watch = follow(store, [prefix], revision + 1n)
        await watch.until(({ batches }) => batches.length === 1)
        expect(watch.batches[0]).toMatchObject({ events: [], revision, next: revision + 1n })
        await put('b', '2')
        await put('a', '3')
        await remove('b')
        await watch.until(({ changes }) => changes.length === 3)
        expect(watch.changes).toEqual([`+${prefix}b=2`, `+${prefix}a=3`, `-${prefix}b`])
        expect(watch.revisions).toEqual([revision + 1n, revision + 2n, revision + 3n])
        expect(watch.batches.at(-1)!.next).toBe(revision + 4n)
        await watch.stop()
      })

      it('starts at an old revision with what happened since', async () => {
        const { revision } = await put('a', '1')
        await put('a', '2')
        await remove('a')
        const watch = follow(store, [prefix], revision)
        await watch.until(({ changes }) => changes.length === 3)
        expect(watch.changes).toEqual([`+${prefix}a=1`, `+${prefix}a=2`, `-${prefix}a`])
        await watch.stop()
      })

      it('leaves out what lies outside the prefix', async () => {
        const { revision } = await put('a/x')
        const watch = follow(store, [`${prefix}a/`], revision + 1n)
        await put('a0')
        await put('a')
        await put('a/y')
        await watch.until(({ changes }) => changes.length > 0)
        expect(watch.changes).toEqual([`+${prefix}a/y=v`])
        await watch.stop()
      })

      it('watches several prefixes at once and resumes without a loss', async () => {
        const { revision } = await put('x')
        const prefixes = [`${prefix}a/`, `${prefix}b/`]
        const watch = follow(store, prefixes, revision + 1n)
        await put('a/1')
        await put('b/1')
        await put('c/1')
        await put('a/2')
        await watch.until(({ changes }) => changes.length === 3)
        expect([...watch.changes].sort()).toEqual([`+${prefix}a/1=v`, `+${prefix}a/2=v`, `+${prefix}b/1=v`])
        // Only of b's first change it is sure that nothing older, under any prefix, is still to come.
        expect(watch.batches.at(-1)!.next).toBe(revision + 3n)
        await watch.stop()

        await put('b/2')
        const again = follow(store, prefixes, watch.batches.at(-1)!.next)
        await again.until(({ changes }) => changes.includes(`+${prefix}b/2=v`) && changes.includes(`+${prefix}a/2=v`))
        await again.stop()
      })

      it('brings what one transaction changed in one batch', async () => {
        const { revision } = await put('x')
        const watch = follow(store, [prefix], revision + 1n)
        await store.txn({ then: range(0, 100).map((n) => ({ type: 'put', key: numbered(n), value: 'v' })) })
        await watch.until(({ changes }) => changes.length > 0)
        expect(watch.changes).toHaveLength(100)
        await watch.stop()
      })

      it('brings changes that together are larger than a message', async () => {
        const { revision } = await put('x')
        const large = Buffer.alloc(900_000, 'x')
        for (const n of range(0, 8)) await put(`large-${n}`, large)
        const watch = follow(store, [prefix], revision + 1n)
        await watch.until(({ changes }) => changes.length === 8)
        expect(watch.revisions).toEqual(range(0, 8).map((n) => revision + 1n + BigInt(n)))
        await watch.stop()
      })

      it('catches up on a backlog of thousands of revisions', async () => {
        const { revision } = await put('x')
        for (let i = 0; i < 3_000; i += 50) await Promise.all(range(i, i + 50).map((n) => put(`n/${n % 7}`, `${n}`)))
        const watch = follow(store, [prefix], revision + 1n)
        await watch.until(({ changes }) => changes.length === 3_000)
        expect(watch.revisions).toEqual(range(1, 3_001).map((n) => revision + BigInt(n)))
        await watch.stop()
      })

      it('waits for a revision that is still to come', async () => {
        const { revision } = await put('x')
        const watch = follow(store, [prefix], revision + 3n)
        await watch.until(({ batches }) => batches.length === 1)
        for (const value of ['1', '2', '3', '4']) await put('a', value)
        await watch.until(({ changes }) => changes.length === 2)
        expect(watch.changes).toEqual([`+${prefix}a=3`, `+${prefix}a=4`])
        await watch.stop()
      })

      it('ends with COMPACTED where the past is gone', async () => {
        const { revision } = await put('a')
        await put('a')
        const last = await put('a')
        await subject.compact(last.revision)
        await expect(drain(store.watch([prefix], revision, new AbortController().signal))).rejects.toMatchObject({
          code: 'COMPACTED',
        })
        const watch = follow(store, [prefix], last.revision)
        await watch.until(({ changes }) => changes.length === 1)
        await watch.stop()
      })

      it('returns when the signal aborts, before and after it stands', async () => {
        await drain(store.watch([prefix], 1n, AbortSignal.abort()))
        const { revision } = await put('a')
        const watch = follow(store, [prefix], revision + 1n)
        await watch.until(({ batches }) => batches.length === 1)
        await watch.stop()
      })
    })

    describe('members and closing', () => {
      it('tells the state of every member', async () => {
        const { revision, clusterId } = await put('a')
        const members = await store.members()
        expect(members).toHaveLength(1)
        expect(members[0]).toMatchObject({
          clusterId,
          leader: true,
          problems: [],
          version: expect.stringMatching(/^3\.\d+\.\d+/),
        })
        expect(members[0]!.revision).toBeGreaterThanOrEqual(revision)
        expect(members[0]!.error).toBeUndefined()
      })

      it('ends every call and stream when it is closed, and takes no more', async () => {
        const { revision } = await put('a')
        const another = subject.openAnother()
        const watch = follow(another, [prefix], revision + 1n)
        await watch.until(({ batches }) => batches.length === 1)
        const lease = await another.grantLease(60)
        const ended = new Promise<Error>((resolve) => {
          const stream = another.openKeepAlive({ onAnswer: () => void another.close(), onEnd: resolve })
          stream.send(lease.id)
        })
        expect(await ended).toMatchObject({ code: 'ABORTED' })
        await expect(watch.ended).rejects.toMatchObject({ code: 'ABORTED' })
        await another.close()
        await expect(another.get(`${prefix}a`)).rejects.toMatchObject({ code: 'ABORTED' })
        await expect(another.list(prefix)).rejects.toMatchObject({ code: 'ABORTED' })
        await expect(another.txn({ then: [] })).rejects.toMatchObject({ code: 'ABORTED' })
        await store.revokeLease(lease.id)
      })
    })

    const holds = async (condition: Condition) => (await store.txn({ when: [condition], then: [] })).succeeded
    const numbered = (n: number) => `${prefix}${String(n).padStart(6, '0')}`
  })
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
