import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { FairleadError } from '../../src/core/errors.js'
import type { DialObserver, Transport } from '../../src/core/proxy/transport/transport.js'
import { createSocketTransport } from '../../src/core/proxy/transport/socket-transport.js'
import { runtime as manualRuntime } from '../support/balancing.js'
import { freePort } from '../support/real-etcd.js'
import {
  HandResolver,
  cleanUp,
  dial,
  ending,
  readSome,
  startEcho,
  startNamed,
  startTestProxy,
  until,
} from './support.js'

afterEach(cleanUp)

/** Sockets, except that connections to one port are never answered. */
function withBlackHole(port: number): { transport: Transport; waiting: DialObserver[]; cancelled: DialObserver[] } {
  const sockets = createSocketTransport()
  const waiting: DialObserver[] = []
  const cancelled: DialObserver[] = []
  const transport: Transport = {
    ...sockets,
    dial(destination, observer) {
      if (destination.port !== port) return sockets.dial(destination, observer)
      waiting.push(observer)
      return { cancel: () => void cancelled.push(observer) }
    },
  }
  return { transport, waiting, cancelled }
}

describe('connecting to an endpoint', () => {
  it('tries another one when it is refused', async () => {
    const server = await startNamed('alive')
    const dead = `127.0.0.1:${await freePort()}`
    const { port, proxy, events } = await startTestProxy(`${dead},${server.address}`)
    for (let i = 0; i < 6; i++) expect(await readSome(await dial(port))).toBe('alive\n')
    const [stats] = proxy.stats()
    expect(stats).toMatchObject({ retries: stats!.connectFailures, connections: { total: 6, failed: 0 } })
    expect(stats!.connectFailures).toBeGreaterThan(0)
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'connection_error', kind: 'connect_failed', address: dead, count: 1 }),
    )
  })

  it('tries as many different endpoints as it is told, then gives up', async () => {
    const dead = await Promise.all([1, 2, 3, 4].map(async () => `127.0.0.1:${await freePort()}`))
    const { port, proxy } = await startTestProxy(dead.join(','), { retries: 2 })
    const client = connect(port, '127.0.0.1')
    expect(await ending(client)).toBe('ECONNRESET')
    const [stats] = proxy.stats()
    expect(stats).toMatchObject({ retries: 2, connectFailures: 3, connections: { failed: 1 } })
    expect(stats!.endpoints.map(({ connectFailures }) => connectFailures).sort()).toEqual([0, 1, 1, 1])
  })

  it('tries another one when there is no answer in time', async () => {
    const server = await startNamed('alive')
    const silent = await freePort()
    const { transport, waiting, cancelled } = withBlackHole(silent)
    const runtime = manualRuntime()
    const target = `127.0.0.1:${silent},${server.address}`
    const { port } = await startTestProxy(target, { transport, runtime, policy: 'pick_first' })
    const client = await dial(port)
    await until(() => waiting.length === 1, 'the silent endpoint is tried')
    await runtime.clock.advance(1900)
    expect(cancelled).toEqual([])
    await runtime.clock.advance(300)
    expect(cancelled).toEqual(waiting)
    expect(await readSome(client)).toBe('alive\n')
  })

  it('does not take a stall of its own for a silent endpoint', async () => {
    const server = await startEcho()
    const silent = await freePort()
    const { transport, waiting, cancelled } = withBlackHole(silent)
    const { port } = await startTestProxy(`127.0.0.1:${silent}`, { transport, connectTimeoutMs: 1000 })
    await dial(port)
    await until(() => waiting.length === 1, 'the endpoint is tried')
    const stalledUntil = performance.now() + 1500
    while (performance.now() < stalledUntil);
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(cancelled).toEqual([])
    await until(() => cancelled.length === 1, 'the time runs out after all')
    await server.close()
  })

  it('lets go of the attempt when the client leaves', async () => {
    const silent = await freePort()
    const { transport, waiting, cancelled } = withBlackHole(silent)
    const { port, proxy } = await startTestProxy(`127.0.0.1:${silent}`, { transport })
    const client = await dial(port)
    await until(() => waiting.length === 1, 'the endpoint is tried')
    await proxy.close()
    expect(cancelled).toEqual(waiting)
    expect(await ending(client)).toBe('ECONNRESET')
  })

  it('refuses addresses that nobody should be sent to', async () => {
    const server = await startNamed('alive')
    const resolver = new HandResolver()
    resolver.set(`169.254.169.254:80,${server.address}`)
    const { port, proxy, events } = await startTestProxy('web', { resolver, retries: 0 })
    for (let i = 0; i < 4; i++) expect(await readSome(await dial(port))).toBe('alive\n')
    expect(proxy.stats()[0]).toMatchObject({ retries: 0, connectFailures: 0, connections: { failed: 0 } })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'refused_address', reason: 'a link-local address' }))
  })

  it('does not connect to itself', async () => {
    const resolver = new HandResolver()
    const { port, proxy, events } = await startTestProxy('web', { resolver, policy: 'pick_first' }).then(
      async (started) => {
        resolver.set(`127.0.0.1:${started.port},localhost:${started.port}`)
        await until(() => started.proxy.stats()[0]!.endpoints.length === 2, 'the endpoints are known')
        return started
      },
    )
    expect(await ending(connect(port, '127.0.0.1'))).toBe('ECONNRESET')
    expect(proxy.stats()[0]!.connections).toMatchObject({ total: 1, failed: 1 })
    const kinds = events.flatMap((event) => (event.event === 'connection_error' ? [event.kind] : []))
    expect(kinds.sort()).toEqual(['connect_failed', 'refused_address'])
  })

  it('tells discovery which endpoints of a service cannot be connected to', async () => {
    const server = await startNamed('alive')
    const dead = `127.0.0.1:${await freePort()}`
    const resolver = new HandResolver()
    resolver.set(`${dead},${server.address}`)
    const { port } = await startTestProxy('web', { resolver })
    for (let i = 0; i < 2; i++) expect(await readSome(await dial(port))).toBe('alive\n')
    expect(new Set(resolver.disproved)).toEqual(new Set([dead]))
  })

  it('resolves names', async () => {
    const server = await startNamed('alive')
    const { port } = await startTestProxy(`localhost:${server.port}`)
    expect(await readSome(await dial(port))).toBe('alive\n')
  })

  it('turns clients away at once while no endpoint is known, and heals', async () => {
    const server = await startNamed('alive')
    const resolver = new HandResolver()
    resolver.lose(new FairleadError('UNAVAILABLE', 'nobody there'))
    const { port, events } = await startTestProxy('web', { resolver })
    expect(await ending(connect(port, '127.0.0.1'))).toBe('ECONNRESET')
    resolver.set(server.address)
    await until(() => events.some(({ event }) => event === 'endpoints'), 'the endpoint is known')
    expect(await readSome(await dial(port))).toBe('alive\n')
    expect(events.map(({ event }) => event)).toEqual(['listening', 'stale', 'connection_error', 'live', 'endpoints'])
  })
})

describe('choosing an endpoint', () => {
  it('keeps a client address with one endpoint under source_hash', async () => {
    const servers = await Promise.all(['a', 'b', 'c', 'd'].map(startNamed))
    const target = servers.map(({ address }) => address).join(',')
    const { port } = await startTestProxy(target, { policy: 'source_hash' })
    const answers = new Map<string, Set<string>>()
    for (const localAddress of ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6']) {
      answers.set(localAddress, new Set())
      for (let i = 0; i < 3; i++) {
        const client = connect({ port, host: '127.0.0.1', localAddress })
        answers.get(localAddress)!.add(await readSome(client))
        client.destroy()
        await once(client, 'close')
      }
    }
    expect([...answers.values()].map((set) => set.size)).toEqual([1, 1, 1, 1, 1, 1])
    expect(new Set([...answers.values()].flatMap((set) => [...set])).size).toBeGreaterThan(1)
  })

  it('counts open connections for least_connections', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')]
    const { port, proxy } = await startTestProxy(`${a.address},${b.address}`, { policy: 'least_connections' })
    const first = await dial(port)
    const busy = await readSome(first)
    for (let i = 0; i < 4; i++) {
      const client = await dial(port)
      expect(await readSome(client)).not.toBe(busy)
      client.end()
      await until(() => proxy.stats()[0]!.connections.active === 1, 'the connection is over')
    }
  })
})
