import { describe, expect, it, onTestFinished } from 'vitest'
import type { RawKeyValue, RawResponse, RawStream } from '../../support/raw-etcd.js'
import { ownPrefix, prefixEnd, put, remove, revisionOf, type Subject } from './subject.js'

interface RawEvent {
  readonly type: number
  readonly kv: RawKeyValue
  readonly prev_kv: RawKeyValue | null
}

const eventsOf = (response: RawResponse) => response['events'] as readonly RawEvent[]

/** An event in short: `put key=value` or `delete key`, the prefix left out. */
const short = (prefix: string, { type, kv }: RawEvent) =>
  type === 0 ? `put ${kv.key.slice(prefix.length)}=${kv.value}` : `delete ${kv.key.slice(prefix.length)}`

/** Messages until `count` events have come. */
async function collect(stream: RawStream, count: number): Promise<readonly RawResponse[]> {
  const messages: RawResponse[] = []
  for (let seen = 0; seen < count; seen += eventsOf(messages.at(-1)!).length) messages.push(await stream.next())
  return messages
}

/** Watches. */
export function describeWatch(subject: Subject): void {
  const open = (): RawStream => {
    const stream = subject.etcd.watch()
    onTestFinished(() => stream.close())
    return stream
  }
  const whole = (prefix: string, fields: object = {}) => ({ key: prefix, range_end: prefixEnd(prefix), ...fields })

  describe('Watch', () => {
    it('confirms creation, then tells of every change', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const before = await put(etcd, ownPrefix())
      const stream = open()
      const created = await stream.create(whole(prefix))
      expect(created).toMatchObject({ created: true, canceled: false, watch_id: '0', events: [] })
      expect(revisionOf(created)).toBe(before)
      const revision = await put(etcd, `${prefix}a`, '1')
      await put(etcd, `${prefix}a`, '2')
      await remove(etcd, `${prefix}a`)
      const messages = await collect(stream, 3)
      const events = messages.flatMap(eventsOf)
      expect(events.map((event) => short(prefix, event))).toEqual(['put a=1', 'put a=2', 'delete a'])
      expect(events[1]).toEqual({
        type: 0,
        prev_kv: null,
        kv: {
          key: `${prefix}a`,
          value: '2',
          version: '2',
          lease: '0',
          create_revision: `${revision}`,
          mod_revision: `${revision + 1}`,
        },
      })
      expect(events[2]!.kv).toEqual({
        key: `${prefix}a`,
        value: '',
        version: '0',
        lease: '0',
        create_revision: '0',
        mod_revision: `${revision + 2}`,
      })
      expect(messages.every(({ created, canceled, watch_id }) => !created && !canceled && watch_id === '0')).toBe(true)
    })

    it('numbers watches from 0 on each stream, around ids of the client’s choice', async () => {
      const prefix = ownPrefix()
      const stream = open()
      const id = async (fields: object = {}) => (await stream.create({ key: prefix, ...fields }))['watch_id']
      expect(await id()).toBe('0')
      expect(await id({ watch_id: 1 })).toBe('1')
      expect(await id({ watch_id: 7 })).toBe('7')
      expect(await id()).toBe('2')
      expect((await open().create({ key: prefix }))['watch_id']).toBe('0')
    })

    it('answers what it cannot watch with created and canceled', async () => {
      const prefix = ownPrefix()
      const stream = open()
      await stream.create({ key: prefix, watch_id: 3 })
      const refused = { created: true, canceled: true, watch_id: '-1', compact_revision: '0' }
      expect(await stream.create({ key: prefix, watch_id: 3 })).toMatchObject({
        ...refused,
        cancel_reason: 'mvcc: duplicate watch ID provided on the WatchStream',
      })
      const empty = { ...refused, cancel_reason: 'mvcc: watcher range is empty' }
      expect(await stream.create({ key: 'b', range_end: 'a' })).toMatchObject(empty)
      expect(await stream.create({ key: 'b', range_end: 'b' })).toMatchObject(empty)
    })

    it('watches one key, a range, everything from a key on, and everything', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const ranges = [
        { key: `${prefix}b` },
        { key: `${prefix}b`, range_end: `${prefix}c` },
        { key: `${prefix}b`, range_end: '\0' },
        { key: '', range_end: '\0' },
      ]
      const expected = [
        ['b', 'b'],
        ['b', 'b', 'ba'],
        ['b', 'b', 'ba', 'c'],
        ['a', 'b', 'b', 'ba', 'c'],
      ]
      const streams = ranges.map(() => open())
      for (const [index, range] of ranges.entries()) await streams[index]!.create(range)
      for (const name of ['a', 'b', 'b', 'ba', 'c']) await put(etcd, prefix + name)
      for (const [index, stream] of streams.entries()) {
        const messages = await collect(stream, expected[index]!.length)
        expect(messages.flatMap(eventsOf).map(({ kv }) => kv.key.slice(prefix.length))).toEqual(expected[index])
      }
    })

    it('sends previous pairs when asked, none with a creation', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const stream = open()
      await stream.create({ key, prev_kv: true })
      await put(etcd, key, '1')
      await put(etcd, key, '2')
      await remove(etcd, key)
      const events = (await collect(stream, 3)).flatMap(eventsOf)
      expect(events.map(({ prev_kv }) => prev_kv?.value)).toEqual([undefined, '1', '2'])
    })

    it('filters puts or deletes', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const [deletes, puts] = [open(), open()]
      await deletes.create(whole(prefix, { filters: [0] }))
      await puts.create(whole(prefix, { filters: [1] }))
      await put(etcd, `${prefix}a`, '1')
      await remove(etcd, `${prefix}a`)
      await put(etcd, `${prefix}b`, '2')
      await remove(etcd, `${prefix}b`)
      const seen = async (stream: RawStream) =>
        (await collect(stream, 2)).flatMap(eventsOf).map((event) => short(prefix, event))
      expect(await seen(deletes)).toEqual(['delete a', 'delete b'])
      expect(await seen(puts)).toEqual(['put a=1', 'put b=2'])
    })

    it('keeps the changes of a transaction together, in order', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      await put(etcd, `${prefix}gone`)
      const stream = open()
      await stream.create(whole(prefix))
      const puts = ['b', 'a'].map((name) => ({ request_put: { key: prefix + name, value: '1' } }))
      const gone = { request_delete_range: { key: `${prefix}gone` } }
      const done = await etcd.call('Txn', { success: [puts[0], gone, puts[1]] })
      const message = await stream.next()
      expect(eventsOf(message).map((event) => short(prefix, event))).toEqual(['put b=1', 'delete gone', 'put a=1'])
      const revisions = eventsOf(message).map(({ kv }) => kv.mod_revision)
      expect(new Set(revisions)).toEqual(new Set([done.header.revision]))
    })

    it('starts from a past revision, gapless into the present', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      await put(etcd, `${prefix}a`, '0')
      const start_revision = await put(etcd, `${prefix}a`, '1')
      await put(etcd, `${prefix}b`, '2')
      const stream = open()
      await stream.create(whole(prefix, { start_revision, prev_kv: true }))
      await put(etcd, `${prefix}b`, '3')
      const events = (await collect(stream, 3)).flatMap(eventsOf)
      expect(events.map((event) => short(prefix, event))).toEqual(['put a=1', 'put b=2', 'put b=3'])
      expect(events.map(({ prev_kv }) => prev_kv?.value)).toEqual(['0', undefined, '2'])
    })

    it('waits for a start revision that is still to come', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const current = await put(etcd, ownPrefix())
      const stream = open()
      await stream.create(whole(prefix, { start_revision: current + 3 }))
      for (const value of ['1', '2', '3', '4']) await put(etcd, `${prefix}a`, value)
      const events = (await collect(stream, 2)).flatMap(eventsOf)
      expect(events.map((event) => short(prefix, event))).toEqual(['put a=3', 'put a=4'])
    })

    it('catches up in messages of at most 1000 revisions', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const start_revision = await put(etcd, `${prefix}a`)
      const writes = Array.from({ length: 2499 }, (_, index) => put(etcd, `${prefix}${index % 10}`, `${index}`))
      await Promise.all(writes)
      const stream = open()
      await stream.create(whole(prefix, { start_revision }))
      const messages = await collect(stream, 2500)
      expect(messages.map((message) => eventsOf(message).length)).toEqual([1000, 1000, 500])
      expect(messages.every((message) => revisionOf(message) === start_revision + 2499)).toBe(true)
      const revisions = messages.flatMap(eventsOf).map(({ kv }) => Number(kv.mod_revision))
      expect(revisions).toEqual(Array.from({ length: 2500 }, (_, index) => start_revision + index))
    })

    it('cancels a watch from a compacted revision after creating it', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      await put(etcd, `${prefix}a`, '1')
      const middle = await put(etcd, `${prefix}a`, '2')
      await put(etcd, `${prefix}a`, '3')
      await etcd.call('Compact', { revision: middle })
      const stream = open()
      const created = await stream.create(whole(prefix, { start_revision: middle - 1 }))
      expect(created).toMatchObject({ created: true, canceled: false, watch_id: '0' })
      const canceled = await stream.next()
      expect(canceled).toMatchObject({
        created: false,
        canceled: true,
        watch_id: '0',
        compact_revision: `${middle}`,
        cancel_reason: '',
        header: { revision: '0' },
        events: [],
      })
      expect(await stream.create(whole(prefix, { start_revision: middle }))).toMatchObject({ watch_id: '1' })
      const events = (await collect(stream, 2)).flatMap(eventsOf)
      expect(events.map((event) => short(prefix, event))).toEqual(['put a=2', 'put a=3'])
    })

    it('keeps the id of a watch that compaction ended until the client cancels it', async () => {
      const { etcd } = subject
      const key = ownPrefix()
      const compacted = await put(etcd, key)
      await etcd.call('Compact', { revision: await put(etcd, key) })
      const stream = open()
      await stream.create({ key, watch_id: 5, start_revision: compacted })
      expect(await stream.next()).toMatchObject({ watch_id: '5', canceled: true })
      expect(await stream.create({ key, watch_id: 5 })).toMatchObject({ watch_id: '-1', canceled: true })
      stream.send({ cancel_request: { watch_id: 5 } })
      expect(await stream.next()).toMatchObject({ watch_id: '5', canceled: true, compact_revision: '0' })
      expect(await stream.create({ key, watch_id: 5 })).toMatchObject({ watch_id: '5', canceled: false })
    })

    it('cancels on request, and is silent about ids it does not know', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const stream = open()
      await stream.create(whole(prefix))
      await stream.create(whole(prefix))
      stream.send({ cancel_request: { watch_id: 42 } })
      stream.send({ cancel_request: { watch_id: 0 } })
      expect(await stream.next()).toMatchObject({ canceled: true, created: false, watch_id: '0', cancel_reason: '' })
      await put(etcd, `${prefix}a`)
      expect(await stream.next()).toMatchObject({ watch_id: '1', events: [{ type: 0 }] })
      expect(await stream.create({ key: prefix, watch_id: 0 })).toMatchObject({ created: true, canceled: false })
    })

    it('tells how far it is when asked', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const stream = open()
      await stream.create(whole(prefix))
      const revision = await put(etcd, ownPrefix())
      stream.send({ progress_request: {} })
      const progress = await stream.next()
      expect(progress).toMatchObject({ watch_id: '-1', created: false, canceled: false, events: [] })
      expect(revisionOf(progress)).toBe(revision)
    })

    it('cuts large messages into fragments when asked', async () => {
      const { etcd } = subject
      const prefix = ownPrefix()
      const value = 'x'.repeat(600_000)
      const start_revision = await put(etcd, `${prefix}0`, value)
      for (const name of ['1', '2', '3', '4']) await put(etcd, prefix + name, value)
      const stream = open()
      await stream.create(whole(prefix, { start_revision, fragment: true }))
      const messages = await collect(stream, 5)
      expect(messages.map(({ fragment }) => fragment)).toEqual([true, false])
      expect(messages.map((message) => eventsOf(message).length)).toEqual([3, 2])
      const unfragmented = open()
      await unfragmented.create(whole(prefix, { start_revision }))
      expect(eventsOf(await unfragmented.next())).toHaveLength(5)
    })
  })
}
