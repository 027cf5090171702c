import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import { parseListen } from '../../src/core/proxy/listen.js'
import { startProxy } from '../../src/core/proxy/proxy.js'
import { runtime as manualRuntime } from '../support/balancing.js'
import {
  HandResolver,
  cleanUp,
  dial,
  ending,
  readSome,
  startEcho,
  startNamed,
  startServer,
  startTestProxy,
  until,
} from './support.js'

afterEach(cleanUp)

describe('who may connect', () => {
  it('is decided by the allow list', async () => {
    const server = await startNamed('hello')
    const { port, proxy, events } = await startTestProxy(server.address, { allow: ['127.0.0.2', '10.0.0.0/8'] })
    expect(await ending(connect(port, '127.0.0.1'))).toBe('ECONNRESET')
    const client = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    expect(await readSome(client)).toBe('hello\n')
    client.destroy()
    expect(proxy.stats()[0]!.connections).toMatchObject({ total: 2, denied: 1 })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'denied', address: '127.0.0.1' }))
    expect(server.sockets).toHaveLength(1)
  })

  it('is limited in number, and open connections are left alone', async () => {
    const server = await startNamed('hello')
    const { port, proxy } = await startTestProxy(server.address, { maxConnections: 2 })
    const [first, second] = [await dial(port), await dial(port)]
    await Promise.all([readSome(first), readSome(second)])
    expect(await ending(connect(port, '127.0.0.1'))).toBe('ECONNRESET')
    first.write('x')
    expect(await readSome(first)).toBe('x')
    first.destroy()
    await until(() => proxy.stats()[0]!.connections.active === 1, 'a place is free')
    expect(await readSome(await dial(port))).toBe('hello\n')
    expect(proxy.stats()[0]!.connections).toMatchObject({ total: 3, limited: 1 })
  })
})

describe('an idle connection', () => {
  it('is closed after the idle time, and not while something moves', async () => {
    const echo = await startEcho()
    const runtime = manualRuntime()
    const { port, proxy } = await startTestProxy(echo.address, { runtime, idleTimeoutMs: 5000 })
    const client = await dial(port)
    for (let i = 0; i < 3; i++) {
      client.write('x')
      await readSome(client)
      await runtime.clock.advance(4000)
    }
    expect(proxy.stats()[0]!.connections.active).toBe(1)
    const end = ending(client)
    await runtime.clock.advance(1500)
    expect(await end).toBe('end')
    await until(() => proxy.stats()[0]!.connections.active === 0, 'the connection is over')
  })
})

describe('endpoints that change', () => {
  it('never touch open connections, and count from the next connection on', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')]
    const resolver = new HandResolver()
    resolver.set(a.address)
    const { port, proxy, events } = await startTestProxy('web', { resolver })
    const old = await dial(port)
    expect(await readSome(old)).toBe('a\n')

    resolver.set(b.address)
    await until(() => events.some(({ event }) => event === 'endpoints'), 'the change is known')
    for (let i = 0; i < 3; i++) expect(await readSome(await dial(port))).toBe('b\n')
    old.write('x')
    expect(await readSome(old)).toBe('x')
    expect(proxy.stats()[0]!.endpoints).toMatchObject([
      { address: b.address, state: 'ready', active: 3 },
      { address: a.address, state: 'gone', active: 1 },
    ])
  })

  it('get nothing new while they drain', async () => {
    const [a, b] = [await startNamed('a'), await startNamed('b')]
    const resolver = new HandResolver()
    resolver.set(`${a.address},${b.address}`)
    const { port, events } = await startTestProxy('web', { resolver })
    const endpoint = (address: string, state: 'ready' | 'drain') => ({
      id: address,
      address,
      host: '127.0.0.1',
      port: Number(address.split(':')[1]),
      weight: 1,
      state,
      role: 'server' as const,
      meta: {},
    })
    resolver.set([endpoint(a.address, 'drain'), endpoint(b.address, 'ready')])
    await until(() => events.some((event) => event.event === 'endpoints' && event.ready === 1), 'the drain is known')
    for (let i = 0; i < 4; i++) expect(await readSome(await dial(port))).toBe('b\n')
  })
})

describe('draining', () => {
  it('lets connections finish, and breaks off those that do not in time', async () => {
    const echo = await startEcho()
    const runtime = manualRuntime()
    const { port, proxy } = await startTestProxy(echo.address, { runtime })
    const [polite, stubborn] = [await dial(port), await dial(port)]
    for (const client of [polite, stubborn]) {
      client.write('x')
      await readSome(client)
    }
    const drained = proxy.drain(30_000)
    await expect(dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    polite.end()
    await once(polite, 'close')
    await until(() => proxy.stats()[0]!.connections.active === 1, 'one connection is over')
    const end = ending(stubborn)
    await runtime.clock.advance(30_000)
    expect(await drained).toBe(1)
    expect(await end).toBe('ECONNRESET')
  })

  it('is over as soon as the last connection is', async () => {
    const echo = await startEcho()
    const { port, proxy } = await startTestProxy(echo.address)
    const client = await dial(port)
    client.write('x')
    await readSome(client)
    const drained = proxy.drain(60_000)
    client.end()
    client.resume()
    expect(await drained).toBe(0)
    expect(await proxy.drain(0)).toBe(0)
  })
})

describe('starting', () => {
  it('fails as a whole when one address is in use', async () => {
    const server = await startServer(() => {})
    const runtime = manualRuntime()
    const listeners = [`0=${server.address}`, `${server.port}=${server.address}`].map(parseListen)
    const dependencies = { createBalancer: () => createBalancer({}, runtime) }
    const started = startProxy({ listeners }, dependencies, runtime)
    await expect(started).rejects.toMatchObject({ code: 'ADDRESS_IN_USE', exitCode: 1, hint: expect.any(String) })
  })
})
