import type { IEvent, IWatchRequest, IWatchResponse } from 'etcd3'
import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Streams } from '../../../src/core/registry/etcd/connection.js'
import { watchOver } from '../../../src/core/registry/etcd/watch.js'
import type { WatchBatch } from '../../../src/core/registry/store.js'
import { ManualClock, settle } from '../../support/manual-clock.js'

/** The registry's end of a watch stream. */
class FakeStream extends Duplex {
  readonly requests: IWatchRequest[] = []
  cancelled = false

  constructor() {
    super({ objectMode: true })
  }

  override _read() {}

  override _write(request: IWatchRequest, _encoding: string, callback: () => void) {
    this.requests.push(request)
    callback()
  }

  cancel() {
    this.cancelled = true
    this.destroy()
  }

  send(response: Partial<IWatchResponse>, revision = 10) {
    const header = { cluster_id: '1', member_id: '1', raft_term: '1', revision: String(revision) }
    const nothing = { created: false, canceled: false, compact_revision: '0', cancel_reason: '', fragment: false }
    this.push({ header, watch_id: '0', events: [], ...nothing, ...response })
  }
}

function start(prefixes: string[], from = 5n) {
  const stream = new FakeStream()
  const clock = new ManualClock()
  const batches: WatchBatch[] = []
  const run = async () => {
    const times = { answerMs: 1_000, quietMs: 10_000 }
    const watch = watchOver(stream as unknown as Streams['watch'], prefixes, from, clock, times)
    for await (const batch of watch) batches.push(batch)
  }
  const ended = run()
  ended.catch(() => undefined)
  return { stream, clock, batches, ended }
}

function put(key: string, revision: number): IEvent {
  const known = { create_revision: '1', mod_revision: String(revision), version: '1', lease: '0' }
  const kv = { key: Buffer.from(key), value: Buffer.alloc(0), ...known }
  return { type: 'Put', kv, prev_kv: kv }
}

/** The keys and the `next` of each batch. */
const shape = (batches: WatchBatch[]) =>
  batches.map(({ events, next }) => [
    events.map((event) => (event.type === 'put' ? event.entry.key : '-')).join(),
    Number(next),
  ])

describe('a watch', () => {
  it('asks for each prefix from the revision, with fragments and progress', async () => {
    const { stream } = start(['/a/', ''])
    await settle()
    const common = { start_revision: '5', progress_notify: true, fragment: true }
    expect(stream.requests).toEqual([
      { create_request: { key: Buffer.from('/a/'), range_end: Buffer.from('/a0'), ...common } },
      { create_request: { key: Buffer.from([0]), range_end: Buffer.from([0]), ...common } },
    ])
  })

  it('confirms first, even where changes under one prefix come before the other is confirmed', async () => {
    const { stream, batches } = start(['/a/', '/b/'])
    stream.send({ created: true, watch_id: '0' })
    stream.send({ watch_id: '0', events: [put('/a/1', 7)] })
    await settle()
    expect(batches).toEqual([])
    stream.send({ created: true, watch_id: '1' })
    await settle()
    expect(shape(batches)).toEqual([
      ['', 5],
      ['/a/1', 5],
    ])
  })

  it('puts the fragments of a revision together and holds back no more than that', async () => {
    const { stream, batches } = start(['/'])
    stream.send({ created: true })
    stream.send({ events: [put('a', 6), put('b', 7), put('c', 7)], fragment: true })
    stream.send({ events: [put('d', 7)], fragment: true })
    stream.send({ watch_id: '-1' }, 12)
    stream.send({ events: [put('e', 7), put('f', 8)] })
    await settle()
    expect(shape(batches)).toEqual([
      ['', 5],
      ['a', 7],
      ['', 7],
      ['b,c,d,e,f', 9],
    ])
  })

  it('goes on from the last change, not from the header, which may be ahead of a backlog', async () => {
    const { stream, batches } = start(['/'])
    stream.send({ created: true }, 5_000)
    stream.send({ events: [put('a', 6)] }, 5_000)
    stream.send({ watch_id: '-1' }, 5_001)
    stream.send({}, 5_002)
    await settle()
    expect(shape(batches)).toEqual([
      ['', 5],
      ['a', 7],
      ['', 7],
      ['', 5_003],
    ])
    expect(batches.map(({ revision }) => revision)).toEqual([5_000n, 5_000n, 5_001n, 5_002n])
  })

  it('asks a quiet registry for a sign of life and gives up without one', async () => {
    const { stream, clock, ended } = start(['/'])
    stream.send({ created: true })
    await clock.advance(9_999)
    expect(stream.requests).toHaveLength(1)
    await clock.advance(1)
    expect(stream.requests[1]).toEqual({ progress_request: {} })
    stream.send({ watch_id: '-1' })
    await clock.advance(10_999)
    expect(stream.cancelled).toBe(false)
    await clock.advance(1)
    await expect(ended).rejects.toThrow('no answer within 1 s')
    expect(stream.cancelled).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('gives up when it is not confirmed', async () => {
    const { stream, clock, ended } = start(['/a/', '/b/'])
    stream.send({ created: true, watch_id: '0' })
    await settle()
    await clock.advance(1_000)
    await expect(ended).rejects.toThrow('no answer')
    expect(stream.cancelled).toBe(true)
  })

  it.each([
    [
      { canceled: true, compact_revision: '42' },
      { code: 'COMPACTED', message: expect.stringContaining('42') },
    ],
    [
      { canceled: true, created: true, watch_id: '-1', cancel_reason: 'rpc error: code = PermissionDenied desc = no' },
      { code: 7, details: 'no' },
    ],
  ])('ends with the reason it was cancelled for', async (response, error) => {
    const { stream, ended } = start(['/'])
    stream.send(response)
    await expect(ended).rejects.toMatchObject(error)
    expect(stream.cancelled).toBe(true)
  })

  it('ends with an error when the registry ends the stream', async () => {
    const { stream, ended } = start(['/'])
    stream.send({ created: true })
    stream.push(null)
    await expect(ended).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
