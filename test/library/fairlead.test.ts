import { once } from 'node:events'
import { connect as connectTcp, createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect, type Fairlead, type ServiceBalancer, type WatchEvent } from '../../src/index.js'
import { startRegistry, type TestRegistry } from '../../src/testing.js'
import { RawClient } from '../control-plane/grpclb/support.js'
import { freePort } from '../support/real-etcd.js'

const SOON = { timeout: 15_000, interval: 20 }

let registry: TestRegistry
let fairlead: Fairlead
let prefix = '/test0'
let tests = 0

beforeAll(async () => {
  registry = await startRegistry()
})
afterAll(() => registry.close())
beforeEach(async () => {
  prefix = `/test${++tests}`
  fairlead = await connect({ endpoints: [registry.endpoint], prefix })
})
afterEach(() => fairlead.close())

describe('connect', () => {
  it.each([
    [{ endpoints: ['nowhere'] }, /bad registry endpoint "nowhere"/],
    [{ endpoints: '127.0.0.1:2379' as unknown as string[] }, /endpoints is not a list/],
    [{ user: 'root' }, /without a password/],
    [{ prefix: 'a b\n' }, /prefix/],
    [{ tls: { cert: 'x' } }, /without its key/],
  ])('refuses %o', async (options, message) => {
    await expect(connect(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  it('does not need the registry, unless asked to verify it', async () => {
    const endpoints = [`127.0.0.1:${await freePort()}`]
    const options = { endpoints, commandTimeoutMs: 500 }
    const away = await connect(options)
    await expect(away.resolve('web')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(away.balance('web')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await away.close()
    await expect(connect({ ...options, verify: true })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await (await connect({ endpoints: [registry.endpoint], verify: true })).close()
  })
})

describe('register', () => {
  it('puts the record there, keeps what is said of it, and takes it out on close', async () => {
    const registration = await fairlead.register('web', '10.0.0.5:8080', {
      weight: 3,
      zone: 'a',
      meta: { version: '1' },
    })
    expect(registration.state).toBe('registered')
    const snapshot = await fairlead.resolve('web')
    expect(snapshot.endpoints).toMatchObject([
      { address: '10.0.0.5:8080', weight: 3, zone: 'a', state: 'ready', meta: { version: '1' }, id: registration.id },
    ])
    await registration.update({ weight: 5 })
    expect((await fairlead.resolve('web')).endpoints[0]!.weight).toBe(5)
    expect(await fairlead.services()).toMatchObject([{ service: 'web', endpoints: 1, ready: 1 }])
    await registration.close()
    expect((await fairlead.resolve('web')).endpoints).toEqual([])
    expect(await registration.closed).toEqual({ how: 'closed' })
  })

  it('fails at once for a bad address and for a conflict', async () => {
    await expect(fairlead.register('web', '0.0.0.0:80')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await fairlead.register('web', '10.0.0.5:8080')
    const other = await connect({ endpoints: [registry.endpoint], prefix })
    const taken = other.register('web', '10.0.0.5:8080', { onConflict: 'fail' })
    await expect(taken).rejects.toMatchObject({ code: 'CONFLICT' })
    await other.close()
  })

  it('goes on in the background where it is not waited for', async () => {
    const registration = await fairlead.register('web', '10.0.0.5:8080', { wait: false })
    expect(registration.state).toBe('pending')
    await vi.waitFor(async () => expect((await fairlead.resolve('web')).endpoints).toHaveLength(1), SOON)
    expect(registration.state).toBe('registered')
  })

  it('gives up by a signal', async () => {
    const away = await connect({ endpoints: [`127.0.0.1:${await freePort()}`], commandTimeoutMs: 300 })
    const registering = away.register('web', '10.0.0.5:8080', { signal: AbortSignal.timeout(100) })
    await expect(registering).rejects.toMatchObject({ code: 'ABORTED' })
    await away.close()
  })
})

describe('an endpoint that somebody else registered', () => {
  it('can be changed and taken out', async () => {
    const registration = await fairlead.register('web', '10.0.0.5:8080', { weight: 3 })
    const other = await connect({ endpoints: [registry.endpoint], prefix })
    expect(await other.setEndpoint('web', '10.0.0.5:8080', { state: 'drain' })).toMatchObject({
      weight: 3,
      state: 'drain',
    })
    expect((await fairlead.resolve('web')).endpoints).toMatchObject([{ weight: 3, state: 'drain' }])
    await expect(other.setEndpoint('web', '10.0.0.9:8080', {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await other.deregister('web', '10.0.0.5:8080')).toBe(true)
    expect(await registration.closed).toEqual({ how: 'deregistered' })
    expect(await other.deregister('web', '10.0.0.5:8080')).toBe(false)
    await other.close()
  })
})

describe('the service config', () => {
  it('is stored, names the policy of balancers, and is removed', async () => {
    await fairlead.register('web', '10.0.0.5:8080')
    const balancer = await fairlead.balance('web')
    const config = { loadBalancingConfig: [{ ring_hash: {} }] }
    await fairlead.setServiceConfig('web', config)
    expect(await fairlead.getServiceConfig('web')).toEqual(config)
    await vi.waitFor(() => expect(balancer.status().policy).toBe('ring_hash'), SOON)
    await fairlead.setServiceConfig('web', undefined)
    await fairlead.setServiceConfig('web', undefined)
    expect(await fairlead.getServiceConfig('web')).toBeUndefined()
    for (const wrong of [
      { loadBalancingConfig: [{ fastest: {} }] },
      { methodConfig: [{ name: [{}], timeout: 'soon' }] },
    ]) {
      await expect(fairlead.setServiceConfig('web', wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })
})

describe('watch', () => {
  it('tells what is there and then every change', async () => {
    const registration = await fairlead.register('web', '10.0.0.5:8080')
    const seen: WatchEvent[] = []
    for await (const event of fairlead.watch('web', { signal: AbortSignal.timeout(20_000) })) {
      seen.push(event)
      if (event.type === 'snapshot') await fairlead.register('web', '10.0.0.6:8080', { weight: 2 })
      if (event.type === 'put') await registration.close()
      if (event.type === 'delete') break
    }
    expect(seen).toMatchObject([
      { type: 'snapshot', service: 'web', endpoints: [{ address: '10.0.0.5:8080' }] },
      { type: 'put', service: 'web', endpoint: { address: '10.0.0.6:8080', weight: 2 } },
      { type: 'delete', service: 'web', endpoint: { address: '10.0.0.5:8080' }, reason: 'deregistered' },
    ])
  })

  it('ends with its signal and with the connection', async () => {
    const collect = async (events: AsyncIterable<WatchEvent>) => {
      for await (const event of events) expect(event.type).toBe('snapshot')
    }
    await collect(fairlead.watch('web', { signal: AbortSignal.timeout(50) }))
    const watching = collect(fairlead.watch('web'))
    await fairlead.close()
    await watching
  })
})

describe('balance', () => {
  const picks = (balancer: ServiceBalancer, n: number) =>
    Array.from({ length: n }, () => {
      const { endpoint, done } = balancer.pick()
      done()
      return endpoint.address
    })

  it('follows the service and honours weights', async () => {
    await fairlead.register('web', '10.0.0.5:8080', { weight: 3 })
    const balancer = await fairlead.balance('web')
    expect(balancer.status().policy).toBe('weighted_round_robin')
    const second = await fairlead.register('web', '10.0.0.6:8080', { weight: 1 })
    await vi.waitFor(() => expect(balancer.snapshot?.endpoints).toHaveLength(2), SOON)
    expect(picks(balancer, 400).filter((address) => address === '10.0.0.5:8080')).toHaveLength(300)
    await second.close()
    await vi.waitFor(() => expect(new Set(picks(balancer, 10))).toEqual(new Set(['10.0.0.5:8080'])), SOON)
    await balancer.close()
  })

  it('takes a policy, and a fixed list in place of a service', async () => {
    const balancer = await fairlead.balance('10.0.0.1:80@1,10.0.0.2:80@3', { policy: 'ring_hash' })
    const address = balancer.pick({ key: 'user-42' }).endpoint.address
    expect(new Set(Array.from({ length: 20 }, () => balancer.pick({ key: 'user-42' }).endpoint.address))).toEqual(
      new Set([address]),
    )
    expect(balancer.status().policy).toBe('ring_hash')
    const unknown = fairlead.balance('web', { policy: 'fastest' as 'random' })
    await expect(unknown).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/fastest/) })
  })
})

describe('proxy', () => {
  let server: Server
  beforeEach(async () => {
    server = createServer((socket) => socket.on('error', () => {}).end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => void server.close())

  it('relays to the endpoints of a service, and stops', async () => {
    const { port } = server.address() as AddressInfo
    await fairlead.register('web', `127.0.0.1:${port}`)
    const proxy = await fairlead.proxy({ listen: 'tcp://127.0.0.1:0', service: 'web', policy: 'least_connections' })
    const { hostname, port: listening } = new URL(proxy.listening[0]!)
    const ask = async () => {
      let text = ''
      for await (const chunk of connectTcp(Number(listening), hostname)) text += String(chunk)
      return text
    }
    await vi.waitFor(async () => expect(await ask()).toBe('hello'), SOON)
    await proxy.close()
    await expect(ask()).rejects.toThrow(/ECONNREFUSED/)
  })

  it('takes out endpoints that fail their checks', async () => {
    const { port } = server.address() as AddressInfo
    await fairlead.register('web', `127.0.0.1:${port}`)
    await expect(fairlead.proxy({ listen: 0, service: 'web', healthCheck: 'smoke' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    const told: string[] = []
    const proxy = await fairlead.proxy({
      listen: 0,
      service: 'web',
      healthCheck: 'http:/',
      onEvent: (event) => void (event.event === 'health' && told.push(event.health)),
    })
    await vi.waitFor(() => expect(told).toEqual(['unhealthy']), SOON)
    await proxy.close()
  })

  it('goes by other options of the same kind while it runs', async () => {
    const proxy = await fairlead.proxy({ listen: 'tcp://127.0.0.1:0', service: '127.0.0.1:1', policy: 'random' })
    await proxy.reload({ listen: 'tcp://127.0.0.1:0', service: '127.0.0.1:1', policy: 'least_request' }, 1000)
    expect(proxy.stats()).toMatchObject([{ service: '127.0.0.1:1', policy: 'least_request' }])
    const bad = proxy.reload({ listen: 'nowhere', service: 'web' }, 1000)
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await proxy.close()
  })

  it('tells which port is taken', async () => {
    const { port } = server.address() as AddressInfo
    const taken = fairlead.proxy({ listen: port, service: 'web' })
    await expect(taken).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  })
})

describe('serve', () => {
  it('tells gRPC clients which servers to use, and stops', async () => {
    const events: string[] = []
    const controlPlane = await fairlead.serve({ grpclb: '127.0.0.1:0', onEvent: ({ event }) => events.push(event) })
    const address = controlPlane.listening[0]!.replace('grpclb://', '')
    await fairlead.register('web', '10.0.0.5:8080')
    const client = new RawClient(address).ask('web')
    await vi.waitFor(() => expect(client.lists.at(-1)).toBe('5'), SOON)
    await controlPlane.drain(5000)
    await vi.waitFor(() => expect(client.status).toMatchObject({ code: status.UNAVAILABLE }), SOON)
    expect(events).toEqual(expect.arrayContaining(['listening', 'draining', 'stopped']))
    client.close()
  })

  it('ends with the connection', async () => {
    const controlPlane = await fairlead.serve({ grpclb: 0 })
    const client = new RawClient(controlPlane.listening[0]!.replace('grpclb://', '')).ask('web')
    await vi.waitFor(() => expect(client.responses).not.toEqual([]), SOON)
    await fairlead.close()
    await vi.waitFor(() => expect(client.status).toBeDefined(), SOON)
    client.close()
    await expect(fairlead.serve({ grpclb: 0 })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('listens for gRPC, as its address may say', async () => {
    const controlPlane = await fairlead.serve({ grpclb: 'grpc://127.0.0.1:0' })
    expect(controlPlane.listening).toEqual([expect.stringMatching(/^grpclb:\/\/127\.0\.0\.1:[1-9]\d*$/)])
    await controlPlane.close()
  })

  it.each([
    [{}, /nothing to listen on/],
    [{ grpclb: 'http://127.0.0.1:0' }, /bad listen address "http:/],
    [{ grpclb: 'x:y:z' }, /bad listen address/],
    [{ grpclb: 0, healthCheck: 'ping' }, /bad check/],
    [{ grpclb: 0, healthCheck: 'tcp', healthIntervalMs: 0 }, /longer than 0/],
    [{ grpclb: 0, reportIntervalMs: -1 }, /0 or at least 1 s/],
    [{ grpclb: 0, reportIntervalMs: 999 }, /0 or at least 1 s/],
  ])('refuses %o', async (options, message) => {
    await expect(fairlead.serve(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })
})

describe('close', () => {
  it('takes registrations out, ends what is open, and refuses what comes after', async () => {
    await fairlead.register('web', '10.0.0.5:8080')
    const balancer = await fairlead.balance('web')
    const proxy = await fairlead.proxy({ listen: 0, service: 'web' })
    await Promise.all([fairlead.close(), fairlead.close()])
    expect(balancer.pick().endpoint.address).toBe('10.0.0.5:8080')
    await expect(once(connectTcp(Number(new URL(proxy.listening[0]!).port), '127.0.0.1'), 'connect')).rejects.toThrow()
    await expect(fairlead.resolve('web')).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(fairlead.register('web', '10.0.0.5:8080')).rejects.toMatchObject({ code: 'ABORTED' })
    const later = await connect({ endpoints: [registry.endpoint], prefix })
    expect((await later.resolve('web')).endpoints).toEqual([])
    await later.close()
  })
})
