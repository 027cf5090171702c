import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createResolver } from '../../../src/core/discovery/resolver.js'
import { parseCheck } from '../../../src/core/health/check.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { BoardStore } from '../../../src/top/board-store.js'
import { checkOnce } from '../../../src/top/registry/check-once.js'
import { RegistrySource } from '../../../src/top/registry/registry-source.js'
import { MemoryStore } from '../../support/memory-store.js'
import { eventually } from '../../support/eventually.js'

const { clock } = systemRuntime
const CHECKS = { check: parseCheck('tcp'), intervalMs: 50 }

let registry: MemoryStore
beforeEach(() => {
  registry = new MemoryStore(clock)
})

async function listen(port = 0): Promise<{ readonly address: string; readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.destroy())
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const bound = (server.address() as AddressInfo).port
  return { address: `127.0.0.1:${bound}`, server, port: bound }
}

function put(address: string, metadata: object = {}) {
  return registry.put(`/ns/web/${address}`, JSON.stringify({ Op: 0, Addr: address, Metadata: metadata }))
}

function follow() {
  const store = new BoardStore(clock)
  const resolver = createResolver(registry, {}, systemRuntime)
  const changes: unknown[] = []
  const source = new RegistrySource({
    ...{ service: 'web', resolver, checks: CHECKS, store, runtime: systemRuntime },
    change: (change) => Promise.resolve(changes.push(change)),
  })
  onTestFinished(() => {
    source.close()
    store.close()
  })
  const rows = () =>
    (store.board().sections[0]?.rows ?? []).map(({ address, status, expected }) => [address, status, expected])
  const words = () => store.board().events.map(({ word, subject }) => `${word} ${subject}`)
  return { store, source, rows, words, changes }
}

describe('RegistrySource', () => {
  it('checks who is registered, and says what each is due by weight', async () => {
    const [one, two] = [await listen(), await listen()].sort((a, b) => (a.address < b.address ? -1 : 1))
    await put(one!.address, { weight: 3, zone: 'a\x1b' })
    await put(two!.address, { weight: 1 })
    const { source, rows, store } = follow()
    await source.ready
    await eventually(() =>
      expect(rows()).toEqual([
        [one!.address, 'ready', 0.75],
        [two!.address, 'ready', 0.25],
      ]),
    )
    expect(store.board().sections[0]).toMatchObject({
      ...{ service: 'web', registry: 'live', eligible: 2, total: 2, traffic: undefined },
    })
    const [row] = store.board().sections[0]!.rows
    expect(row).toMatchObject({ zone: 'a\\x1b', share: null })
    await eventually(() => typeof store.board().sections[0]!.rows[0]!.checkMs === 'number')
    expect(store.board().events).toEqual([])
  })

  it('tells who joins, changes, leaves, falls ill and recovers', async () => {
    const { address, server, port } = await listen()
    const { source, rows, words } = follow()
    await source.ready
    await put(address, { weight: 2 })
    await eventually(() => rows()[0]?.[1] === 'ready')
    await put(address, { weight: 5, state: 'drain' })
    await eventually(() => rows()[0]?.[1] === 'drain')
    await put(address, { weight: 5 })
    server.close()
    await eventually(() => rows()[0]?.[1] === 'unhealthy')
    await listen(port)
    await eventually(() => rows()[0]?.[1] === 'ready')
    await registry.delete(`/ns/web/${address}`)
    await eventually(() => rows().length === 0)
    await eventually(() => words().at(-1) === `left ${address}`)
    expect(words()).toEqual(
      ['joined', 'changed', 'changed', 'unhealthy', 'healthy', 'left'].map((word) => `${word} ${address}`),
    )
  })

  it('goes on while the registry is away', async () => {
    const { address } = await listen()
    await put(address)
    const { source, rows, store, words } = follow()
    await source.ready
    registry.down()
    await eventually(() => store.board().sections[0]?.registry === 'stale')
    expect(rows()).toHaveLength(1)
    registry.up()
    await eventually(() => store.board().sections[0]?.registry === 'live', 30_000)
    await eventually(() => words().includes('live web'))
  })

  it('passes changes on', async () => {
    const { source, changes } = follow()
    await source.ready
    const change = { source: source.name, service: 'web', address: '10.0.0.1:1', weight: 1, to: { weight: 2 } }
    await source.change(change)
    expect(changes).toEqual([change])
  })
})

describe('checkOnce', () => {
  it('says of each endpoint whether it answers, and what it is due', async () => {
    const { address } = await listen()
    const gone = await listen()
    gone.server.close()
    await put(address, { weight: 1 })
    await put(gone.address, { weight: 9 })
    const { signal } = new AbortController()
    const options = { store: registry, prefix: '/ns', check: parseCheck('tcp'), timeoutMs: 5000, clock, signal }
    const { endpoints } = await checkOnce('web', options)
    const found = new Map(endpoints.map((endpoint) => [endpoint.record.endpoint.address, endpoint]))
    expect(found.get(address)).toMatchObject({ expected: 1, fault: undefined, checkMs: expect.any(Number) })
    expect(found.get(gone.address)).toMatchObject({ expected: 0, fault: expect.stringContaining('ECONNREFUSED') })
  })
})
