import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RegistryEvent } from '../../src/core/discovery/registry-event.js'
import type { Resolution } from '../../src/core/discovery/resolution.js'
import { createResolver, type RegistryResolver } from '../../src/core/discovery/resolver.js'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import type { Store } from '../../src/core/registry/store.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { etcdctl } from '../support/etcdctl.js'
import { eventually } from '../support/eventually.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { describeWithPeers } from '../support/peers.js'
import { type RealEtcd, startRealEtcd } from '../support/real-etcd.js'

/** A resolver of its own over an endpoint, and all it said of a service. */
class Reader {
  readonly store: Store
  readonly resolver: RegistryResolver
  readonly seen: Resolution[] = []
  readonly events: RegistryEvent[] = []
  readonly #abort = new AbortController()

  constructor(endpoint: string, service = 'web') {
    this.store = openEtcdStore({ endpoints: [endpoint], commandTimeoutMs: 2000 }, systemRuntime)
    this.resolver = createResolver(this.store, { reconcileIntervalMs: 5000 }, systemRuntime)
    void this.#collect(this.resolver.resolve(service, this.#abort.signal), this.seen)
    void this.#collect(this.resolver.events(service, this.#abort.signal), this.events)
  }

  get isStale(): boolean {
    return this.seen.at(-1)?.kind === 'stale'
  }

  /** The addresses of the last snapshot, with their ports only. */
  get ports(): number[] | undefined {
    const last = this.seen.findLast((resolution) => resolution.kind === 'snapshot')
    return last?.kind === 'snapshot' ? last.snapshot.endpoints.map(({ port }) => port).sort((a, b) => a - b) : undefined
  }

  /** Whether any snapshot after the first one with endpoints was empty. */
  get wasEmptied(): boolean {
    const sizes = this.seen.flatMap((r) => (r.kind === 'snapshot' ? [r.snapshot.endpoints.length] : []))
    return sizes.slice(sizes.findIndex((size) => size > 0)).includes(0)
  }

  async settled(ports: number[]): Promise<void> {
    await eventually(() => expect({ ports: this.ports, stale: this.isStale }).toEqual({ ports, stale: false }), 25_000)
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.store.close()
  }

  async #collect<T>(stream: AsyncIterable<T>, into: T[]): Promise<void> {
    for await (const item of stream) into.push(item)
  }
}

let readers: Reader[] = []
afterEach(async () => {
  await Promise.all(readers.map((reader) => reader.close()))
  readers = []
})

function read(endpoint: string): Reader {
  const reader = new Reader(endpoint)
  readers.push(reader)
  return reader
}

function put(store: Store, ...ports: number[]): Promise<unknown> {
  const then = ports.map((port) => ({ type: 'put' as const, key: `/ns/web/127.0.0.1:${port}`, value: '' }))
  return store.txn({ then })
}

function remove(store: Store, port: number): Promise<unknown> {
  return store.txn({ then: [{ type: 'delete', key: `/ns/web/127.0.0.1:${port}` }] })
}

describe('a resolver on the in-memory registry', () => {
  let registry: TestRegistry
  beforeEach(async () => {
    registry = await startRegistry()
  })
  afterEach(() => registry.close())

  it('resolves 10,000 endpoints and makes few snapshots of a burst of 1,000 changes', async () => {
    const writer = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
    const ports = Array.from({ length: 10_000 }, (_, i) => i + 1)
    for (let i = 0; i < ports.length; i += 100) await put(writer, ...ports.slice(i, i + 100))
    const reader = read(registry.endpoint)
    await reader.settled(ports)
    const before = reader.seen.length
    const first = reader.seen.at(-1)
    await Promise.all(ports.slice(0, 1000).map((port) => remove(writer, port)))
    await reader.settled(ports.slice(1000))
    const last = reader.seen.at(-1)
    if (first?.kind !== 'snapshot' || last?.kind !== 'snapshot') throw new Error('no snapshot')
    const known = new Map(first.snapshot.endpoints.map((endpoint) => [endpoint.address, endpoint]))
    expect(last.snapshot.endpoints.every((endpoint) => known.get(endpoint.address) === endpoint)).toBe(true)
    expect(reader.seen.length - before).toBeLessThan(300)
    await eventually(() => expect(reader.events.filter(({ type }) => type === 'delete')).toHaveLength(1000))
    await writer.close()
  }, 60_000)

  it('tells removals on purpose from others, for one service and for all', async () => {
    const writer = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
    const { id } = await writer.grantLease(60)
    const key = (port: number) => `/ns/web/127.0.0.1:${port}`
    await writer.txn({ then: [1, 2, 3].map((port) => ({ type: 'put', key: key(port), value: '', lease: id })) })
    await put(writer, 4)
    const reader = read(registry.endpoint)
    await reader.settled([1, 2, 3, 4])
    await writer.txn({
      then: [
        { type: 'delete', key: key(1) },
        { type: 'put', key: '/ns/.gone/web/127.0.0.1:1', value: '' },
      ],
    })
    await writer.txn({ then: [{ type: 'delete', key: key(4) }] })
    await writer.revokeLease(id)
    await reader.settled([])
    const reasons = () =>
      reader.events.flatMap((e) => (e.type === 'delete' ? [[e.record.endpoint.port, e.reason]] : []))
    await eventually(() =>
      expect(reasons()).toEqual([
        [1, 'deregistered'],
        [4, 'deleted'],
        [2, 'expired'],
        [3, 'expired'],
      ]),
    )
    const last = reader.seen.at(-1)
    expect(last?.kind === 'snapshot' && [...last.departed]).toEqual(['127.0.0.1:1'])
    await writer.close()
  })
})

describeWithPeers(['etcd', 'etcdctl'], 'a resolver on etcd', () => {
  let etcd: RealEtcd
  let faults: FaultProxy
  beforeAll(async () => {
    etcd = await startRealEtcd()
    faults = await startFaultProxy(etcd.port)
  })
  afterAll(async () => {
    await faults?.close()
    await etcd?.close()
  })
  beforeEach(() => etcdctl(etcd, 'del', '--prefix', '/ns/'))

  it('reads what others write: a bare address, an empty value, the form of the Go naming package', async () => {
    const naming = '{"Op":0,"Addr":"127.0.0.1:3","Metadata":null}'
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:1', '127.0.0.1:1')
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:2', '')
    await etcdctl(etcd, 'put', '/ns/web/some-id', naming)
    await etcdctl(etcd, 'put', '/ns/web/poison', '{"Addr":')
    const reader = read(etcd.endpoint)
    await reader.settled([1, 2, 3])
    const last = reader.seen.at(-1)
    expect(last?.kind === 'snapshot' && last.snapshot.skipped).toMatchObject([{ key: '/ns/web/poison' }])
  })

  it('stays with what it knew while etcd is killed, then sees what was lost and what came', async () => {
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:1', '')
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:2', '')
    const reader = read(faults.endpoint)
    await reader.settled([1, 2])
    faults.refuse()
    await etcd.kill()
    await eventually(() => reader.isStale)
    expect(reader.ports).toEqual([1, 2])
    await etcd.start()
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:3', '')
    await etcdctl(etcd, 'del', '/ns/web/127.0.0.1:1')
    faults.heal()
    await reader.settled([2, 3])
    expect(reader.wasEmptied).toBe(false)
    await eventually(() => {
      const types = reader.events.map(({ type }) => type)
      expect(types.slice(0, 2)).toEqual(['snapshot', 'stale'])
      expect(types.filter((type) => type === 'put' || type === 'delete')).toEqual(['put', 'delete'])
      expect(types.indexOf('live')).toBeGreaterThan(0)
    })
  })

  it('finds what happened before a compaction while its watch was cut', async () => {
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:1', '')
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:2', '')
    const reader = read(faults.endpoint)
    await reader.settled([1, 2])
    faults.refuse()
    faults.cut()
    await etcdctl(etcd, 'del', '/ns/web/127.0.0.1:1')
    for (let i = 0; i < 5; i++) await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:3', '')
    const { revision } = (await read(etcd.endpoint).store.list('/ns/')) as { revision: bigint }
    await etcdctl(etcd, 'compact', String(revision))
    faults.heal()
    await reader.settled([2, 3])
    expect(reader.wasEmptied).toBe(false)
  })

  it('notices that etcd was wiped, and follows it from there', async () => {
    for (let i = 0; i < 10; i++) await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:1', '')
    const reader = read(etcd.endpoint)
    await reader.settled([1])
    await etcd.kill()
    await etcd.wipe()
    await etcd.start()
    await reader.settled([])
    await etcdctl(etcd, 'put', '/ns/web/127.0.0.1:2', '')
    await reader.settled([2])
  })
})
