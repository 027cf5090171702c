import { beforeEach, describe, expect, it } from 'vitest'
import type { WatchCreateRequest, WatchResponse } from '../../../src/core/registry/embedded/messages.js'
import { MvccStore } from '../../../src/core/registry/embedded/mvcc-store.js'
import { WatchHub } from '../../../src/core/registry/embedded/watch-hub.js'
import { WatchStream } from '../../../src/core/registry/embedded/watch-stream.js'
import { ManualClock, settle } from '../../support/manual-clock.js'

const MINUTE = 60_000

describe('WatchStream', () => {
  let store: MvccStore
  let clock: ManualClock
  let hub: WatchHub
  let sent: WatchResponse[]
  let taking: boolean
  let stream: WatchStream
  beforeEach(() => {
    store = new MvccStore({ historyRevisions: 10_000, historyBytes: Infinity }, { attach() {}, detach() {} })
    clock = new ManualClock()
    hub = new WatchHub(store, (revision) => ({ revision }), clock, setImmediate)
    sent = []
    taking = true
    stream = new WatchStream(hub, (response) => {
      sent.push(response)
      return taking
    })
  })

  const put = (key: string, value = '') =>
    store.write((transaction) => transaction.put(Buffer.from(key), Buffer.from(value), '0'))

  function create(fields: Partial<WatchCreateRequest> = {}): void {
    const request = {
      key: Buffer.from('a'),
      range_end: Buffer.from('b'),
      start_revision: '0',
      progress_notify: false,
      filters: [],
      prev_kv: false,
      watch_id: '0',
      fragment: false,
    }
    stream.handle({ create_request: { ...request, ...fields } })
  }

  const eventCounts = () => sent.filter(({ events }) => events).map(({ events }) => events!.length)

  it('sends a burst of commits in one message', async () => {
    create()
    for (let index = 0; index < 500; index++) put(`a${index}`)
    await settle()
    expect(eventCounts()).toEqual([500])
  })

  it('loses nothing when the reader is slower than the writers, and holds little meanwhile', async () => {
    create()
    taking = false
    put('a')
    await settle()
    for (let index = 0; index < 9_000; index++) put('a', `${index}`)
    await settle()
    expect(eventCounts()).toEqual([1])
    taking = true
    stream.resume()
    const revisions = sent.flatMap(({ events }) => events ?? []).map(({ kv }) => kv.mod_revision)
    expect(revisions).toEqual(Array.from({ length: 9_001 }, (_, index) => index + 2))
    expect(Math.max(...eventCounts())).toBe(1000)
    put('a')
    await settle()
    expect(eventCounts().at(-1)).toBe(1)
  })

  it('tells a reader that fell behind the history so', async () => {
    create()
    taking = false
    put('a')
    await settle()
    for (let index = 0; index < 12_000; index++) put('a')
    taking = true
    stream.resume()
    const compacted = store.compactedRevision
    expect(sent.at(-1)).toMatchObject({ canceled: true, compact_revision: compacted, watch_id: '0' })
  })

  it('tells idle watches of progress every ten minutes, when they asked for it', async () => {
    create({ progress_notify: true })
    create()
    sent = []
    await clock.advance(10 * MINUTE)
    expect(sent).toEqual([{ header: { revision: 1 }, watch_id: '0' }])
    put('a')
    await settle()
    sent = []
    await clock.advance(10 * MINUTE)
    expect(sent).toEqual([])
    await clock.advance(10 * MINUTE)
    expect(sent).toEqual([{ header: { revision: 2 }, watch_id: '0' }])
  })

  it('answers a request for progress after the events that came before it', async () => {
    put('a')
    create({ start_revision: '2' })
    put('a')
    stream.handle({ progress_request: {} })
    await settle()
    expect(sent.map(({ watch_id, events }) => [watch_id, events?.length])).toEqual([
      ['0', undefined],
      ['0', 2],
      ['-1', undefined],
    ])
  })

  it('is silent and holds no timer once closed', async () => {
    create({ progress_notify: true })
    stream.close()
    sent = []
    put('a')
    await settle()
    expect(sent).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
