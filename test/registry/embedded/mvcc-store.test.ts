import { describe, expect, it } from 'vitest'
import { keyRange } from '../../../src/core/registry/embedded/key-range.js'
import { MvccStore, singleKey } from '../../../src/core/registry/embedded/mvcc-store.js'

const noLeases = { attach() {}, detach() {} }
const everything = keyRange(Buffer.alloc(1), Buffer.alloc(1))

const storeWith = (historyRevisions: number, historyBytes = Infinity) =>
  new MvccStore({ historyRevisions, historyBytes }, noLeases)

function put(store: MvccStore, key: string, value = ''): number {
  store.write((transaction) => transaction.put(Buffer.from(key), Buffer.from(value), '0'))
  return store.revision
}

const remove = (store: MvccStore, key: string) =>
  store.write((transaction) => transaction.deleteRange(singleKey(Buffer.from(key))))

describe('MvccStore', () => {
  it('keeps about the revisions it was told to, compacting by itself', () => {
    const store = storeWith(100)
    for (let index = 0; index < 1000; index++) put(store, `k${index % 5}`, `${index}`)
    const kept = store.revision - store.compactedRevision
    expect(kept).toBeGreaterThanOrEqual(99)
    expect(kept).toBeLessThanOrEqual(110)
    expect(() => store.checkReadable(store.compactedRevision - 1)).toThrow('has been compacted')
    expect(store.read(everything, { revision: store.compactedRevision }).count).toBe(5)
    expect(store.read(everything).kvs.map(({ value }) => value.toString())).toEqual(['995', '996', '997', '998', '999'])
  })

  it('keeps its history within the bytes it was told to, whatever the size of values', () => {
    const store = storeWith(100_000, 1_000_000)
    for (let index = 0; index < 500; index++) put(store, 'key', 'x'.repeat(10_000))
    expect(store.totalBytes).toBeLessThan(1_200_000)
    expect(store.read(everything).kvs[0]!.version).toBe(500)
  })

  it('forgets deleted keys once their deletion is compacted', () => {
    const store = storeWith(10)
    for (let index = 0; index < 200; index++) {
      put(store, `k${index}`, 'value')
      remove(store, `k${index}`)
    }
    expect(store.liveBytes).toBe(0)
    expect(store.totalBytes).toBeLessThan(12 * 400)
    expect(store.read(everything, { revision: store.compactedRevision }).count).toBeLessThanOrEqual(1)
  })

  it('sees the last of several changes of a key in one revision', () => {
    const store = storeWith(100)
    store.write((transaction) => {
      transaction.put(Buffer.from('a'), Buffer.from('1'), '0')
      transaction.deleteRange(singleKey(Buffer.from('a')))
    })
    expect(store.read(everything).count).toBe(0)
    expect(store.changesAt(2).map(({ version }) => version)).toEqual([1, 0])
  })

  it('copies what it keeps, so that a small key does not hold a network buffer', () => {
    const store = storeWith(100)
    const received = Buffer.alloc(65_536, 'k')
    store.write((transaction) => transaction.put(received.subarray(0, 4), received.subarray(4, 8), '0'))
    received.fill('x')
    expect(store.read(everything).kvs[0]).toMatchObject({ key: Buffer.from('kkkk'), value: Buffer.from('kkkk') })
  })
})
