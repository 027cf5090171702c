import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { FairleadError } from '../../src/core/errors.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import type { Proxy } from '../../src/core/proxy/proxy.js'
import { ask1, startHttp1 } from './l7/servers.js'
import {
  cleanUp,
  dial,
  ending,
  HandResolver,
  readSome,
  startNamed,
  startServer,
  startTestProxy,
  until,
} from './support.js'

afterEach(cleanUp)

const HTTP = { listen: 'http://127.0.0.1:0' }
const readOnly = (proxy: Proxy) => proxy.read()[0]!
const endpointOf = (proxy: Proxy, { address }: { address: string }) =>
  readOnly(proxy).endpoints.find((endpoint) => endpoint.address === address)!
const answersOf = ({ latency }: { latency: { counts: readonly number[] } }) => latency.counts.reduce((a, b) => a + b, 0)

describe('what a listener of HTTP reads', () => {
  it('counts requests to each endpoint, how they ended, and how long each took to be answered', async () => {
    const good = await startHttp1((_, response) => response.end('a'))
    const bad = await startHttp1((_, response) => response.writeHead(503).end())
    const { proxy, port } = await startTestProxy(`${good.address},${bad.address}`, { ...HTTP, outlierDetection: false })
    for (let i = 0; i < 6; i++) await ask1(port)
    expect(endpointOf(proxy, good)).toMatchObject({ picks: 3, inFlight: 0, succeeded: 3, failed: 0, requests: 3 })
    expect(endpointOf(proxy, bad)).toMatchObject({ picks: 3, succeeded: 0, failed: 3, verdict: 'ready' })
    expect(answersOf(endpointOf(proxy, good))).toBe(3)
    expect(answersOf(endpointOf(proxy, bad))).toBe(3)
    expect(endpointOf(proxy, good).expectedShare).toBe(0.5)
    expect(endpointOf(proxy, good).ewmaMs).toBeGreaterThan(0)
    expect(readOnly(proxy)).toMatchObject({ source: 'static', registry: { revision: '0', stale: undefined } })
  })

  it('counts an endpoint that cannot be connected to as failed, and says since when it is out and why', async () => {
    const good = await startHttp1((_, response) => response.end('a'))
    const dead = await startHttp1(() => {})
    dead.kill()
    const { proxy, port } = await startTestProxy(`${good.address},${dead.address}`, HTTP)
    const before = endpointOf(proxy, dead)
    for (let i = 0; i < 20; i++) expect((await ask1(port)).status).toBe(200)
    await until(() => endpointOf(proxy, dead).verdict === 'ejected', 'it is ejected')
    const after = endpointOf(proxy, dead)
    expect(after).toMatchObject({ health: 'ejected', ejections: 1, faultyWorkers: 1, expectedShare: 0, requests: 0 })
    expect(after.failed).toBeGreaterThan(0)
    expect(after.healthReason).toMatch(/in a row/)
    expect(after.healthSince).toBeGreaterThanOrEqual(before.healthSince)
    expect(endpointOf(proxy, good).expectedShare).toBe(1)
    expect(readOnly(proxy).ejections).toBe(1)
  })
})

describe('what a listener of TCP reads', () => {
  it('counts connections as picks, and takes the time to connect for their latency', async () => {
    const server = await startNamed('a')
    const { proxy, port } = await startTestProxy(server.address)
    const socket = await dial(port)
    await readSome(socket)
    expect(endpointOf(proxy, server)).toMatchObject({ picks: 1, inFlight: 1, succeeded: 0, failed: 0 })
    expect(answersOf(endpointOf(proxy, server))).toBe(1)
    socket.end()
    await once(socket, 'close')
    await until(() => endpointOf(proxy, server).succeeded === 1, 'it has ended well')
    expect(endpointOf(proxy, server).inFlight).toBe(0)
  })

  it('counts a connection that its endpoint breaks off as failed', async () => {
    const server = await startServer((socket) => socket.resetAndDestroy())
    const { proxy, port } = await startTestProxy(server.address)
    expect(await ending(await dial(port))).toBe('ECONNRESET')
    await until(() => endpointOf(proxy, server).failed === 1, 'it has ended badly')
    expect(endpointOf(proxy, server).succeeded).toBe(0)
  })
})

describe('what a listener knows of its service', () => {
  it('is nothing before the first word, then a revision, and how long the registry has been away', async () => {
    const resolver = new HandResolver()
    resolver.lose(new FairleadError('UNAVAILABLE', 'etcd does not answer'))
    const { proxy } = await startTestProxy('web', { resolver })
    expect(readOnly(proxy).registry).toMatchObject({ revision: undefined, changedAt: undefined })
    resolver.set('127.0.0.1:1')
    await until(() => readOnly(proxy).registry.revision === '1', 'it has heard')
    expect(readOnly(proxy)).toMatchObject({ source: 'registry', registry: { stale: undefined } })
    resolver.lose(new FairleadError('UNAVAILABLE', 'etcd does not answer'))
    await until(() => readOnly(proxy).registry.stale !== undefined, 'the registry is away')
    expect(readOnly(proxy).registry).toMatchObject({ revision: '1', stale: { reason: 'etcd does not answer' } })
    expect(readOnly(proxy).registry.stale!.forMs).toBeGreaterThan(0)
  })

  it('tells since when an endpoint drains, and keeps one that left for as long as it is in use', async () => {
    const server = await startNamed('a')
    const resolver = new HandResolver()
    const [endpoint] = parseStaticEndpoints(server.address)
    resolver.set([endpoint!])
    const { proxy, port } = await startTestProxy('web', { resolver })
    const socket = await dial(port)
    await readSome(socket)
    const joined = endpointOf(proxy, server)
    resolver.set([{ ...endpoint!, state: 'drain' }])
    await until(() => endpointOf(proxy, server).state === 'drain', 'it drains')
    expect(endpointOf(proxy, server)).toMatchObject({ verdict: 'drain', expectedShare: 0, inFlight: 1 })
    expect(endpointOf(proxy, server).stateSince).toBeGreaterThanOrEqual(joined.stateSince)
    resolver.set('')
    await until(() => endpointOf(proxy, server).state === 'gone', 'it is gone')
    expect(endpointOf(proxy, server)).toMatchObject({ verdict: 'gone', inFlight: 1, picks: 0 })
    expect(answersOf(endpointOf(proxy, server))).toBe(1)
    socket.end()
    await once(socket, 'close')
    resolver.set('127.0.0.1:1')
    await until(() => endpointOf(proxy, server) === undefined, 'it is forgotten')
    expect(readOnly(proxy).departedLatency.counts).toHaveLength(1)
  })
})
