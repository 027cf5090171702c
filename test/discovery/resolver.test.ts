import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RegistryEvent } from '../../src/core/discovery/registry-event.js'
import type { Resolution } from '../../src/core/discovery/resolution.js'
import { createResolver, type RegistryResolver } from '../../src/core/discovery/resolver.js'
import { FairleadError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/runtime.js'
import { FakeStore } from '../support/fake-store.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

const NO_RECONCILE = 1e9

let store: FakeStore
let clock: ManualClock
let abort: AbortController
let resolver: RegistryResolver

beforeEach(() => {
  store = new FakeStore()
  clock = new ManualClock()
  abort = new AbortController()
  resolver = makeResolver(NO_RECONCILE)
})
afterEach(() => abort.abort())

function makeResolver(reconcileIntervalMs: number): RegistryResolver {
  const runtime = { clock, random: seededRandom(1), log: silentLogger }
  return createResolver(store, { reconcileIntervalMs }, runtime)
}

/** Lets time pass in steps, with room for the exchanges that timers begin. */
async function pass(ms: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await clock.advance(ms / 20)
    for (let turn = 0; turn < 8; turn++) await settle()
  }
}

/** Reads a stream to the end in the background. */
function collect<T>(stream: AsyncIterable<T>): T[] {
  const seen: T[] = []
  void (async () => {
    for await (const item of stream) seen.push(item)
  })()
  return seen
}

async function watchWeb(): Promise<Resolution[]> {
  const seen = collect(resolver.resolve('web', abort.signal))
  await pass(100)
  return seen
}

/** Resolutions in short: the addresses of a snapshot, with an exclamation mark before the departed; `stale`. */
function short(resolutions: readonly Resolution[]): string[] {
  return resolutions.map((r) => {
    if (r.kind === 'stale') return 'stale'
    return [...r.snapshot.endpoints.map((e) => e.address), ...[...r.departed].map((a) => `!${a}`)].join(' ')
  })
}

describe('resolve', () => {
  it('yields an empty snapshot at the revision listed for a service nobody registered', async () => {
    store.write(['/ns/other/a:1', ''])
    expect(await watchWeb()).toMatchObject([{ kind: 'snapshot', snapshot: { revision: 2n, endpoints: [] } }])
  })

  it('yields what is there, then each change, and nothing for an equal set', async () => {
    store.write(['/ns/web/a:1', ''])
    const seen = await watchWeb()
    store.write(['/ns/web/b:1', ''])
    await pass(100)
    store.write(['/ns/web/b:1', 'b:1'])
    store.write(['/ns/web2/c:1', ''], ['/ns/.config/web2', '{}'])
    await pass(100)
    store.write(['/ns/web/a:1', null])
    await pass(100)
    expect(short(seen)).toEqual(['a:1', 'a:1 b:1', 'b:1'])
  })

  it('refuses a bad service name', async () => {
    await expect(resolver.resolve('.gone', abort.signal)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it('shares one watch among the readers of a service and ends it with the last of them', async () => {
    store.write(['/ns/web/a:1', ''])
    const second = new AbortController()
    const seen = [collect(resolver.resolve('web', abort.signal)), collect(resolver.events('web', abort.signal))]
    await pass(100)
    const late = collect(resolver.resolve('web', second.signal))
    await pass(100)
    expect([...seen, late].map((s) => s.length)).toEqual([1, 1, 1])
    expect(store.watches).toBe(1)
    second.abort()
    await pass(100)
    expect(store.openWatches).toBe(1)
    abort.abort()
    await pass(100)
    expect(store.openWatches).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('makes few snapshots of a burst', async () => {
    const seen = await watchWeb()
    for (let i = 0; i < 1000; i++) store.write([`/ns/web/a:${i + 1}`, ''])
    await pass(100)
    const snapshots = seen.filter((r) => r.kind === 'snapshot')
    expect(snapshots.at(-1)!.snapshot.endpoints).toHaveLength(1000)
    expect(snapshots.length).toBeLessThanOrEqual(3)
  })

  it('gives a slow reader the latest only', async () => {
    store.write(['/ns/web/a:1', ''])
    const stream = resolver.resolve('web', abort.signal)[Symbol.asyncIterator]()
    const first = stream.next()
    await pass(100)
    expect(short([(await first).value as Resolution])).toEqual(['a:1'])
    for (const port of [2, 3, 4]) {
      store.write([`/ns/web/a:${port}`, ''])
      await pass(100)
    }
    expect(short([(await stream.next()).value as Resolution])).toEqual(['a:1 a:2 a:3 a:4'])
  })

  it('tells removals on purpose, even where the tombstone comes after the deletion', async () => {
    store.write(['/ns/web/a:1', ''], ['/ns/web/b:1', ''])
    const seen = await watchWeb()
    store.write(['/ns/web/a:1', null])
    await pass(100)
    store.write(['/ns/.gone/web/a:1', ''])
    await pass(100)
    store.write(['/ns/.gone/web/a:1', null])
    await pass(100)
    expect(short(seen)).toEqual(['a:1 b:1', 'b:1', 'b:1 !a:1'])
  })
})

describe('when the registry is away', () => {
  it('starts stale, goes on trying and comes up with a snapshot', async () => {
    store.isAway = true
    const seen = await watchWeb()
    expect(seen).toMatchObject([{ kind: 'stale', since: 0, error: { code: 'UNAVAILABLE' } }])
    await pass(120_000)
    expect(seen).toHaveLength(1)
    store.isAway = false
    store.write(['/ns/web/a:1', ''])
    await pass(31_000)
    expect(short(seen)).toEqual(['stale', 'a:1'])
  })

  it('says nothing of a broken stream that is mended at once, and loses nothing', async () => {
    const seen = await watchWeb()
    store.cut()
    store.write(['/ns/web/a:1', ''])
    await pass(1000)
    expect(short(seen)).toEqual(['', 'a:1'])
    expect(store.lists).toBeLessThan(12)
  })

  it('keeps the last snapshot, tells since when it is stale and what happened meanwhile', async () => {
    store.write(['/ns/web/a:1', ''])
    const seen = await watchWeb()
    store.isAway = true
    store.cut()
    await pass(60_000)
    expect(short(seen)).toEqual(['a:1', 'stale'])
    expect(seen[1]).toMatchObject({ error: { code: 'UNAVAILABLE' } })
    expect((seen[1] as { since: number }).since).toBeLessThanOrEqual(100)
    store.write(['/ns/web/b:1', ''])
    store.isAway = false
    await pass(31_000)
    expect(short(seen).at(-1)).toBe('a:1 b:1')
    const known = seen.flatMap((r) => (r.kind === 'snapshot' ? [r.snapshot.endpoints.length] : []))
    expect(Math.min(...known)).toBe(1)
  })

  it('tells again when the reason changes', async () => {
    store.isAway = true
    const seen = await watchWeb()
    store.list = () => Promise.reject(new FairleadError('UNAUTHENTICATED', 'the password was changed'))
    await pass(31_000)
    expect(seen.map((r) => r.kind === 'stale' && r.error.code)).toEqual(['UNAVAILABLE', 'UNAUTHENTICATED'])
  })
})

describe('when the watch cannot be trusted', () => {
  it('lists again after a compaction and finds what it missed', async () => {
    store.write(['/ns/web/a:1', ''], ['/ns/web/b:1', ''])
    const seen = await watchWeb()
    store.cut()
    store.write(['/ns/web/a:1', null])
    store.write(['/ns/web/c:1', ''])
    store.compact()
    await pass(1000)
    expect(short(seen)).toEqual(['a:1 b:1', 'b:1 c:1'])
  })

  it('finds by a list what a deaf watch lost', async () => {
    resolver = makeResolver(30_000)
    store.write(['/ns/web/a:1', ''])
    const seen = await watchWeb()
    store.deafen()
    store.write(['/ns/web/a:1', null], ['/ns/web/b:1', ''])
    await pass(45_000)
    expect(short(seen)).toEqual(['a:1', 'b:1'])
  })

  it.each([['one'], ['other']])('takes over a registry that was wiped (cluster id then: %s)', async (clusterId) => {
    for (let i = 1; i <= 20; i++) store.write(['/ns/web/a:1', `{"Metadata":{"weight":${i}}}`])
    const seen = await watchWeb()
    store.wipe(clusterId)
    store.write(['/ns/web/b:1', ''])
    await pass(5000)
    expect(short(seen).at(-1)).toBe('b:1')
    store.write(['/ns/web/c:1', ''])
    await pass(100)
    expect(short(seen).at(-1)).toBe('b:1 c:1')
  })

  it('takes over a registry that was restored from a backup', async () => {
    store.write(['/ns/web/a:1', ''])
    const restore = store.backup()
    for (let i = 1; i <= 20; i++) store.write([`/ns/web/b:${i}`, ''])
    const seen = await watchWeb()
    restore()
    await pass(5000)
    expect(short(seen).at(-1)).toBe('a:1')
    store.write(['/ns/web/c:1', ''])
    await pass(100)
    expect(short(seen).at(-1)).toBe('a:1 c:1')
  })

  it('does not take a member that lags for a registry that went back', async () => {
    store.write(['/ns/web/a:1', ''])
    const seen = await watchWeb()
    const { watch } = store
    store.watch = async function* (...args) {
      for await (const batch of watch.apply(store, args)) yield { ...batch, revision: 1n }
    }
    store.cut()
    await pass(5000)
    store.write(['/ns/web/b:1', ''])
    await pass(100)
    expect(short(seen)).toEqual(['a:1', 'a:1 b:1'])
    expect(store.openWatches).toBe(1)
  })

  it('never lets a list that was overtaken bring back what is gone', async () => {
    resolver = makeResolver(1000)
    store.write(['/ns/web/a:1', ''])
    const seen = await watchWeb()
    store.beforeListReturns = async () => {
      store.beforeListReturns = () => Promise.resolve()
      store.write(['/ns/web/a:1', null], ['/ns/web/b:1', ''])
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    await pass(1500)
    expect(short(seen)).toEqual(['a:1', 'b:1'])
  })
})

describe('events', () => {
  function shortEvents(events: readonly RegistryEvent[]): string[] {
    return events.map((event) => {
      if (event.type === 'snapshot') {
        return event.services.map((s) => `${s.service}=${s.records.map((r) => r.endpoint.address).join(',')}`).join(' ')
      }
      if (event.type === 'put') return `+${event.service}/${event.record.endpoint.address}`
      if (event.type === 'delete') return `-${event.service}/${event.record.endpoint.address} ${event.reason}`
      return event.type
    })
  }

  it('tells all services apart, and why an endpoint went', async () => {
    store.write(['/ns/web/a:1', ''], ['/ns/api/x:1', '', 0n], ['/ns/web/b:1', ''])
    const seen = collect(resolver.events(undefined, abort.signal))
    await pass(100)
    store.write(['/ns/db/d:1', ''])
    store.write(['/ns/web/a:1', null])
    store.write(['/ns/web/b:1', null], ['/ns/.gone/web/b:1', ''])
    store.write(['/ns/api/x:1', null])
    await pass(100)
    expect(shortEvents(seen)).toEqual([
      'api=x:1 web=a:1,b:1',
      '+db/d:1',
      '-web/a:1 expired',
      '-web/b:1 deregistered',
      '-api/x:1 deleted',
    ])
    expect(seen[1]).toMatchObject({ revision: 3n })
  })

  it('waits a little for the tombstone of a single service, which another watch brings', async () => {
    store.write(['/ns/web/a:1', ''])
    const seen = collect(resolver.events('web', abort.signal))
    await pass(100)
    store.write(['/ns/web/a:1', null])
    await pass(20)
    store.write(['/ns/.gone/web/a:1', ''])
    await pass(20)
    expect(shortEvents(seen)).toEqual(['web=a:1', '-web/a:1 deregistered'])
  })

  it('tells each change of an outage that was not compacted away', async () => {
    const seen = collect(resolver.events('web', abort.signal))
    await pass(100)
    store.isAway = true
    store.cut()
    await pass(10_000)
    store.write(['/ns/web/a:1', ''])
    store.write(['/ns/web/a:1', null])
    store.isAway = false
    await pass(31_000)
    expect(shortEvents(seen)).toEqual(['web=', 'stale', 'live', '+web/a:1', '-web/a:1 expired'])
  })

  it('gives a reader that fell behind a snapshot in place of what it missed', async () => {
    const stream = resolver.events('web', abort.signal)[Symbol.asyncIterator]()
    const first = stream.next()
    await pass(100)
    await first
    for (let i = 0; i < 10_001; i++) store.write(['/ns/web/a:1', `{"Metadata":{"weight":${i % 1000}}}`])
    await pass(100)
    const { value } = (await stream.next()) as { value: RegistryEvent }
    expect(shortEvents([value])).toEqual(['web=a:1'])
  })
})
