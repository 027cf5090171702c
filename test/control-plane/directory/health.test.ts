import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDirectory } from '../../../src/core/control-plane/directory/directory.js'
import type { DirectoryEvent } from '../../../src/core/control-plane/directory/events.js'
import type { ServiceView } from '../../../src/core/control-plane/directory/contract.js'
import type { Lookup } from '../../../src/core/control-plane/directory/host-names.js'
import { createDataPlaneResolver } from '../../../src/core/discovery/data-plane-resolver.js'
import { createResolver } from '../../../src/core/discovery/resolver.js'
import { type Check, parseCheck } from '../../../src/core/health/check.js'
import { openEtcdStore } from '../../../src/core/registry/etcd/index.js'
import type { Store } from '../../../src/core/registry/store.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { startRegistry, type TestRegistry } from '../../../src/testing.js'
import { eventually } from '../../support/eventually.js'
import { freePort } from '../../support/real-etcd.js'
import { short } from './setup.js'

let registry: TestRegistry
let store: Store
let prefix = '/ns'
beforeAll(async () => {
  registry = await startRegistry()
  store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
})
afterAll(async () => {
  await store.close()
  await registry.close()
})

/** A directory on the registry in memory, over a prefix of its own, in real time. */
function start(check?: string, lookup?: Lookup) {
  prefix = `/health${Math.floor(performance.now())}`
  const resolver = createResolver(store, { prefix }, systemRuntime)
  const events: DirectoryEvent[] = []
  const checks = check === undefined ? undefined : { check: parseCheck(check) satisfies Check, intervalMs: 50 }
  const directory = createDirectory(
    { checks, onEvent: (event) => events.push(event) },
    {
      resolver: createDataPlaneResolver(resolver, {}, systemRuntime),
      events: (signal) => resolver.events(undefined, signal),
      ...(lookup && { lookup }),
    },
    systemRuntime,
  )
  onTestFinished(() => directory.close())
  const views: ServiceView[] = []
  directory.follow('web', (view) => views.push(view))
  return { events, views, last: () => short(views.at(-1)?.endpoints ?? []) }
}

async function put(address: string): Promise<void> {
  await store.txn({ then: [{ type: 'put', key: `${prefix}/web/${address}`, value: '' }] })
}

async function remove(...addresses: string[]): Promise<void> {
  await store.txn({ then: addresses.map((address) => ({ type: 'delete', key: `${prefix}/web/${address}` })) })
}

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('a directory on the registry in memory', () => {
  it('shows what is put and deleted, whole bursts in few views', async () => {
    const { views, last } = start()
    await eventually(() => views.length === 1)
    for (let i = 1; i <= 50; i++) await put(`10.0.0.${i}:80`)
    await eventually(() => last().length === 50)
    await remove('10.0.0.1:80')
    await eventually(() => last().length === 49)
    expect(views.length).toBeLessThan(52)
  })
})

describe('checks', () => {
  it('tell which endpoints work, and when that changes', async () => {
    const good = await listen(createServer((socket) => socket.end()))
    const other = await listen(createServer((socket) => socket.end()))
    const later = await freePort()
    const { events, last } = start('tcp')
    for (const port of [good, other, later]) await put(`127.0.0.1:${port}`)
    const sorted = (ports: number[]) => ports.map((port) => `127.0.0.1:${port}`).sort()
    await eventually(() => last().some((each) => each === `127.0.0.1:${later} unhealthy`))
    expect(last().filter((each) => !each.endsWith('unhealthy'))).toEqual(sorted([good, other]))
    expect(events).toContainEqual({
      event: 'health',
      service: 'web',
      address: `127.0.0.1:${later}`,
      health: 'unhealthy',
      reason: expect.stringContaining('ECONNREFUSED') as string,
    })
    await listen(
      createServer((socket) => socket.end()),
      later,
    )
    await eventually(() => expect(last()).toEqual(sorted([good, other, later])))
    expect(events.at(-1)).toMatchObject({ health: 'healthy', address: `127.0.0.1:${later}` })
  })

  it('that fail for most are not believed: all are used', async () => {
    const { events, last } = start('tcp')
    const dead = [await freePort(), await freePort()]
    for (const port of dead) await put(`127.0.0.1:${port}`)
    await eventually(() => events.some(({ event }) => event === 'panic'))
    await eventually(() => expect(last()).toHaveLength(2))
    expect(last().join(' ')).not.toContain('unhealthy')
  })

  it('go to each address of a host name, and name the host', async () => {
    const hosts: (string | undefined)[] = []
    const port = await listen(
      createHttpServer((request, response) => {
        hosts.push(request.headers.host)
        response.end()
      }),
    )
    const { last } = start('http:/healthz', () => Promise.resolve(['127.0.0.1']))
    await put(`web.test:${port}`)
    await eventually(() => hosts.length > 0)
    expect(hosts[0]).toBe(`web.test:${port}`)
    await eventually(() => expect(last()).toEqual([`127.0.0.1:${port}`]))
  })

  it('let go at once what expired together and does not answer any more', async () => {
    const alive = await listen(createServer((socket) => socket.end()))
    // More than half of all, with the one that comes meanwhile counted in: the two may be seen as one change.
    const servers = [1, 2, 3].map(() => createServer((socket) => socket.end()))
    const ports = await Promise.all(servers.map((server) => listen(server)))
    const another = await listen(createServer((socket) => socket.end()))
    const { last } = start('tcp')
    for (const port of [alive, ...ports]) await put(`127.0.0.1:${port}`)
    await eventually(() => last().length === 4)
    await remove(...ports.map((port) => `127.0.0.1:${port}`))
    await put(`127.0.0.1:${another}`)
    await eventually(() => last().length === 5)
    for (const server of servers) server.close()
    // Long before the TTL of 10 s is over: they are seen to be gone.
    await eventually(() => expect(last()).toEqual([alive, another].map((port) => `127.0.0.1:${port}`).sort()), 8000)
  })
})
