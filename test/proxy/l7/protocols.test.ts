import { status } from '@grpc/grpc-js'
import { request } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { parseStaticEndpoints } from '../../../src/core/discovery/static-resolver.js'
import type { Endpoint } from '../../../src/core/model/endpoint.js'
import type { ProxyEvent } from '../../../src/core/proxy/events.js'
import { GrpcPeerClient, startGrpcPeer } from '../../support/grpc-peer.js'
import { describeWithPeers } from '../../support/peers.js'
import { startNginx } from '../http1/web-peers.js'
import {
  cleanup,
  cleanUp,
  HandResolver,
  startServer,
  startTestProxy,
  type TestProxyOptions,
  until,
} from '../support.js'
import { ask1, ask2, dial2, startHttp1, startHttp2 } from './servers.js'

afterEach(cleanUp)

const HTTP = { listen: 'http://127.0.0.1:0' }
const MANY = Array.from({ length: 100 }, (_, i) => i)

const echo1 = () => startHttp1((asked, response) => asked.pipe(response))

const echo2 = () =>
  startHttp2((stream) => {
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })

const told = (events: readonly ProxyEvent[]) =>
  events.flatMap((event) => (event.event === 'connection_error' ? [`${event.kind}: ${event.reason}`] : []))

/** A proxy before one registered endpoint, as its registration says. */
async function startBefore(address: string, meta: Endpoint['meta'], options: TestProxyOptions = {}) {
  const resolver = new HandResolver()
  const register = (id: string) => resolver.set([{ ...parseStaticEndpoints(address)[0]!, id, meta }])
  register('first')
  return { register, ...(await startTestProxy('web', { ...HTTP, ...options, resolver })) }
}

/** An address at which another server may be from now on; none at first. */
async function startFront() {
  let behind: number | undefined
  const front = await startServer((socket) => {
    if (behind === undefined) return void socket.destroy()
    const server = connect(behind, '127.0.0.1')
    server.on('error', () => socket.destroy())
    socket.on('close', () => server.destroy())
    server.on('close', () => socket.destroy())
    socket.pipe(server).pipe(socket)
  })
  const become = ({ port }: { readonly port: number }) => {
    behind = port
    for (const socket of front.sockets) socket.destroy()
  }
  return { address: front.address, become }
}

describe('a client of HTTP/2 before an endpoint of HTTP/1.1', () => {
  it('is served, with a hundred first requests at once and no retry allowed', async () => {
    const server = await echo1()
    const { port, proxy, events } = await startTestProxy(server.address, { ...HTTP, retries: 0 })
    const session = dial2(port)
    const ask = (i: number) => ask2(session, { method: 'POST', body: `body ${i}` })
    const answers = await Promise.all(MANY.map(ask))
    expect(answers.map((answer) => `${answer.status} ${answer.body}`)).toEqual(MANY.map((i) => `200 body ${i}`))
    expect(await ask2(session)).toMatchObject({ status: 200 })
    const [stats] = proxy.stats()
    expect(stats!.requests).toMatchObject({ total: 101, active: 0, retries: 0, refused: 0, broken: 0 })
    expect(stats!.endpoints).toMatchObject([
      { requests: 101, requestsFailed: 0, requestsActive: 0, connectFailures: 0 },
    ])
    const remedy = 'requests go over HTTP/1.1; register it with --meta protocol=h1 to say so at once'
    expect(told(events)).toEqual([`other_protocol: the endpoint does not speak HTTP/2: ${remedy}`])
  })

  it('is served with an upload larger than what is kept for a retry', async () => {
    const server = await echo1()
    const { port } = await startTestProxy(server.address, { ...HTTP, retries: 0 })
    const body = 'x'.repeat(3_000_000)
    expect((await ask2(dial2(port), { method: 'POST', body })).body === body).toBe(true)
  })

  it('is served where the endpoint closes without a word', async () => {
    const server = await startServer((socket) => {
      socket.once('data', (bytes) => {
        if (bytes.toString('latin1').startsWith('PRI ')) socket.destroy()
        else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      })
    })
    const { port } = await startTestProxy(server.address, { ...HTTP, retries: 0 })
    const session = dial2(port)
    for (let i = 0; i < 3; i++) {
      expect(await ask2(session, { method: 'POST', body: 'x' })).toMatchObject({ status: 200, body: 'ok' })
    }
    // One connection showed what the endpoint does not speak, and the requests had one each.
    expect(server.sockets.length).toBe(4)
  })

  it('gets UNAVAILABLE for a gRPC call, which reaches nobody', async () => {
    let asked = 0
    const server = await startHttp1((_, response) => {
      asked++
      response.end()
    })
    const { port, events } = await startTestProxy(server.address, HTTP)
    const client = new GrpcPeerClient(`127.0.0.1:${port}`)
    cleanup(() => client.close())
    for (let i = 0; i < 2; i++) {
      const { code, details } = await client.unary({})
      expect([code, details]).toEqual([status.UNAVAILABLE, 'the endpoint does not speak HTTP/2, which gRPC needs'])
    }
    expect(asked).toBe(0)
    expect(told(events).join()).toContain('other_protocol')
  })

  it('gets its gRPC calls to those that speak HTTP/2', async () => {
    const [web, peer] = [await echo1(), await startGrpcPeer()]
    cleanup(() => peer.kill())
    const { port } = await startTestProxy(`${web.address},${peer.address}`, HTTP)
    const client = new GrpcPeerClient(`127.0.0.1:${port}`)
    cleanup(() => client.close())
    for (let i = 0; i < 6; i++) expect(await client.unary({})).toMatchObject({ code: status.OK })
    expect(peer.calls).toBe(6)
  })
})

describe('a client of HTTP/1.1 before an endpoint of HTTP/2 alone', () => {
  it('is served, with a hundred first requests at once and no retry allowed', async () => {
    const server = await echo2()
    const { port, proxy, events } = await startTestProxy(server.address, { ...HTTP, retries: 0 })
    const answers = await Promise.all(MANY.map((i) => ask1(port, { method: 'POST', body: `body ${i}` })))
    expect(answers.map((answer) => `${answer.status} ${answer.body}`)).toEqual(MANY.map((i) => `200 body ${i}`))
    const [stats] = proxy.stats()
    expect(stats!.requests).toMatchObject({ total: 100, active: 0, retries: 0, refused: 0, broken: 0 })
    expect(stats!.endpoints).toMatchObject([
      { requests: 100, requestsFailed: 0, requestsActive: 0, connectFailures: 0 },
    ])
    const remedy = 'requests go over HTTP/2; register it with --meta protocol=h2 to say so at once'
    expect(told(events)).toEqual([`other_protocol: the endpoint speaks HTTP/2 only: ${remedy}`])
  })

  it('reaches a gRPC server', async () => {
    const peer = await startGrpcPeer()
    cleanup(() => peer.kill())
    const { port } = await startTestProxy(peer.address, HTTP)
    // What grpc-js says to what is no call.
    expect(await ask1(port, { method: 'POST', body: 'no call' })).toMatchObject({ status: 415 })
  })
})

describe('an endpoint that speaks both', () => {
  it('is spoken to as the client speaks', async () => {
    const server = await startServer((socket) => {
      socket.once('data', (bytes) => {
        const isHttp2 = bytes.toString('latin1').startsWith('PRI ')
        // SETTINGS and their acknowledgement, then ":status: 204" on the first stream.
        if (!isHttp2) {
          socket.end('HTTP/1.1 204 No Content\r\n\r\n')
          return
        }
        socket.write(Buffer.from('000000040000000000000000040100000000', 'hex'))
        socket.once('data', () => socket.write(Buffer.from('00000101050000000189', 'hex')))
      })
    })
    const { port, events } = await startTestProxy(server.address, HTTP)
    expect(await ask1(port)).toMatchObject({ status: 204 })
    expect(await ask2(dial2(port))).toMatchObject({ status: 204 })
    expect(await ask1(port)).toMatchObject({ status: 204 })
    expect(told(events)).toEqual([])
  })
})

describe('what metadata says', () => {
  it('wins over what the client speaks, with nothing tried out', async () => {
    const [web, peer] = [await echo1(), await echo2()]
    const one = await startBefore(web.address, { protocol: 'h1' })
    expect(await ask2(dial2(one.port), { method: 'POST', body: 'x' })).toMatchObject({ status: 200, body: 'x' })
    const two = await startBefore(peer.address, { protocol: 'h2' })
    expect(await ask1(two.port, { method: 'POST', body: 'x' })).toMatchObject({ status: 200, body: 'x' })
    expect([web.connections, peer.connections]).toEqual([1, 1])
    expect([...told(one.events), ...told(two.events)]).toEqual([])
  })

  it('wins over what the endpoint shows, and the event says so', async () => {
    const web = await echo1()
    const { port, events } = await startBefore(web.address, { protocol: 'h2' })
    expect(await ask2(dial2(port))).toMatchObject({ status: 502 })
    const reason = 'the endpoint does not speak HTTP/2, whatever its metadata says (protocol=h2)'
    expect(told(events)[0]).toBe(`other_protocol: ${reason}`)
  })
})

describe('what an endpoint was found not to speak', () => {
  it('is forgotten when another instance has its address', async () => {
    const web = await echo1()
    const { port, register, events } = await startBefore(web.address, {})
    const session = dial2(port)
    expect(await ask2(session)).toMatchObject({ status: 200 })
    register('first')
    expect(await ask2(session)).toMatchObject({ status: 200 })
    // One that asked, one that served both.
    expect(web.connections).toBe(2)
    const changes = () => events.filter(({ event }) => event === 'endpoints').length
    const before = changes()
    register('second')
    await until(() => changes() > before, 'the proxy hears of it')
    expect(await ask2(session)).toMatchObject({ status: 200 })
    expect([web.connections, told(events).length]).toEqual([4, 1])
  })

  it('heals where an endpoint that broke off was misjudged', async () => {
    const front = await startFront()
    const { port } = await startTestProxy(front.address, HTTP)
    const session = dial2(port)
    expect(await ask2(session)).toMatchObject({ status: 502 })
    front.become(await echo2())
    expect(await ask2(session, { method: 'POST', body: 'x' })).toMatchObject({ status: 200, body: 'x' })
  })

  it('is found out anew where another server took the place of one of HTTP/2', async () => {
    const front = await startFront()
    front.become(await echo2())
    const { port, proxy } = await startTestProxy(front.address, { ...HTTP, retries: 0 })
    const session = dial2(port)
    expect(await ask2(session)).toMatchObject({ status: 200 })
    front.become(await echo1())
    await until(() => proxy.stats()[0]!.endpoints[0]!.active === 0, 'the old connection is gone')
    const answers = await Promise.all(MANY.map((i) => ask2(session, { method: 'POST', body: `body ${i}` })))
    expect(answers.map((answer) => `${answer.status} ${answer.body}`)).toEqual(MANY.map((i) => `200 body ${i}`))
    expect(proxy.stats()[0]!.requests).toMatchObject({ retries: 0, refused: 0 })
  })
})

describeWithPeers(['nginx'], 'a client of HTTP/2 before nginx', () => {
  it('is served', async () => {
    const { plainPort } = await startNginx()
    const { port } = await startTestProxy(`127.0.0.1:${plainPort}`, { ...HTTP, retries: 0 })
    const session = dial2(port)
    const answers = await Promise.all(MANY.map(() => ask2(session)))
    expect(answers.map((answer) => `${answer.status} ${answer.body}`)).toEqual(MANY.map(() => '200 ok'))
  })
})

describe('an upgrade', () => {
  it('goes over HTTP/1.1, whatever the endpoint was taken for', async () => {
    const { server, address } = await echo1()
    server.on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhi'),
    )
    const { port } = await startTestProxy(address, HTTP)
    await ask2(dial2(port))
    const asked = request({ port, host: '127.0.0.1', headers: { connection: 'upgrade', upgrade: 'x' } })
    asked.end()
    const [response] = (await once(asked, 'upgrade')) as [{ statusCode: number }]
    expect(response.statusCode).toBe(101)
  })
})
