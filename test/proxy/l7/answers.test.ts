import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { constants } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { data, Flag, goAway, headers, reset, settings, SETTINGS_ACK } from '../../support/raw-http2.js'
import { cleanUp, dial, HandResolver, startServer, startTestProxy, until } from '../support.js'
import { ask1, ask2, dial2, startHttp1, startHttp2 } from './servers.js'

afterEach(cleanUp)

const HTTP = { listen: 'http://127.0.0.1:0' }
const GRPC = { listen: 'grpc://127.0.0.1:0' }
const CALL = { method: 'POST', path: '/a.B/C', headers: { 'content-type': 'application/grpc', 'te': 'trailers' } }

/** Takes requests and says nothing; tells how their streams were closed. */
async function silent2() {
  const closed: number[] = []
  const seen: string[] = []
  const server = await startHttp2((stream, headers) => {
    seen.push(String(headers['grpc-timeout'] ?? ''))
    stream.on('close', () => closed.push(stream.rstCode))
  })
  return { ...server, closed, seen }
}

describe('answering in place of an endpoint', () => {
  it('says 503 while there is none, and as gRPC does to its clients', async () => {
    const resolver = new HandResolver()
    resolver.set('')
    const { port, events } = await startTestProxy('web', { ...HTTP, resolver })
    expect(await ask1(port)).toMatchObject({ status: 503, body: 'no endpoint is available\n' })
    expect(await ask1(port, { method: 'HEAD' })).toMatchObject({ status: 503, body: '' })
    const session = dial2(port)
    expect(await ask2(session, { ...CALL, body: 'x' })).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/grpc', 'grpc-status': '14', 'grpc-message': 'no endpoint is available' },
    })
    expect(events).toContainEqual(expect.objectContaining({ event: 'connection_error', kind: 'no_endpoints' }))
    resolver.set((await startHttp1((_, response) => response.end('here'))).address)
    await until(() => events.some((event) => event.event === 'endpoints' && event.ready === 1), 'one is there')
    expect(await ask1(port)).toMatchObject({ status: 200, body: 'here' })
  })

  it('says 503 when none can be reached', async () => {
    const { port } = await startTestProxy('127.0.0.1:1', HTTP)
    expect(await ask1(port)).toMatchObject({ status: 503, body: 'no endpoint could be reached\n' })
  })

  it('refuses CONNECT', async () => {
    const { port } = await startTestProxy('127.0.0.1:1', GRPC)
    const stream = dial2(port).request({ ':method': 'CONNECT', ':authority': 'example.com:443' })
    stream.on('error', () => {})
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }]
    expect(headers[':status']).toBe(405)
  })

  it('says 504 and cancels the request when the time is over', async () => {
    const server = await silent2()
    const { port, proxy } = await startTestProxy(server.address, { ...GRPC, requestTimeoutMs: 100 })
    expect(await ask2(dial2(port))).toMatchObject({ status: 504 })
    await until(() => server.closed.length === 1, 'the endpoint hears of it')
    expect(server.closed).toEqual([constants.NGHTTP2_CANCEL])
    expect(proxy.stats()[0]).toMatchObject({
      requests: { timedOut: 1, active: 0 },
      endpoints: [{ requestsFailed: 1, requestsActive: 0 }],
    })
  })

  it('says DEADLINE_EXCEEDED when the time a call gave itself is over', async () => {
    const server = await silent2()
    const { port } = await startTestProxy(server.address, GRPC)
    const answer = await ask2(dial2(port), { ...CALL, headers: { ...CALL.headers, 'grpc-timeout': '150m' }, body: 'x' })
    expect(answer).toMatchObject({ status: 200, headers: { 'grpc-status': '4' } })
    await until(() => server.closed.length === 1, 'the endpoint hears of it')
    expect(server).toMatchObject({ closed: [constants.NGHTTP2_CANCEL], seen: ['150m'] })
  })

  it('turns away what is beyond the limits of an endpoint', async () => {
    const server = await silent2()
    const limits = { upstreamLimits: { maxRequests: 2 } }
    const { port, events } = await startTestProxy(server.address, { ...GRPC, ...limits })
    const session = dial2(port)
    for (let i = 0; i < 2; i++) ask2(session).catch(() => {})
    await until(() => server.seen.length === 2, 'two are under way')
    expect(await ask2(session)).toMatchObject({ status: 503, body: 'too much is under way to the endpoints\n' })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'overloaded', address: server.address }))
  })

  it('cancels a request whose client went away', async () => {
    const server = await silent2()
    const { port, proxy } = await startTestProxy(server.address, GRPC)
    const stream = dial2(port).request({ ':path': '/' })
    stream.on('error', () => {})
    await until(() => server.seen.length === 1, 'it arrives')
    stream.close(constants.NGHTTP2_CANCEL)
    await until(() => server.closed.length === 1, 'the endpoint hears of it')
    expect(server.closed).toEqual([constants.NGHTTP2_CANCEL])
    expect(proxy.stats()[0]).toMatchObject({
      requests: { cancelled: 1, active: 0 },
      endpoints: [{ requestsFailed: 0, requestsActive: 0 }],
    })
  })

  it('passes an answer on that comes before the request is complete', async () => {
    const server = await startHttp2((stream) => {
      stream.respond({ ':status': 413 })
      stream.end('too large')
    })
    const { port, proxy } = await startTestProxy(server.address, GRPC)
    const stream = dial2(port).request({ ':method': 'POST', ':path': '/' })
    stream.on('error', () => {})
    stream.write('x'.repeat(1000))
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }]
    expect(headers[':status']).toBe(413)
    await until(() => proxy.stats()[0]!.requests.active === 0, 'it is over')
    expect(proxy.stats()[0]!.endpoints[0]!.requestsActive).toBe(0)
  })

  it('passes interim responses on', async () => {
    const server = await startHttp1((_, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.end('done')
    })
    const { port } = await startTestProxy(server.address, HTTP)
    const asked = request({ port, host: '127.0.0.1' })
    const hints = once(asked, 'information') as Promise<[{ statusCode: number; headers: { link?: string } }]>
    const answer = once(asked, 'response') as Promise<[IncomingMessage]>
    asked.end()
    const [{ statusCode, headers }] = await hints
    expect([statusCode, headers.link]).toEqual([103, '</style.css>; rel=preload'])
    const [response] = await answer
    expect(response.statusCode).toBe(200)
    response.resume()
  })

  it.each([
    ['NO_ERROR, which might pass for an end', reset(1, 0)],
    ['REFUSED_STREAM, which would say that nothing was done', reset(1, 7)],
    ['a GOAWAY that denies what it has begun', goAway(0)],
  ])('does not break a response off by %s', async (_, broken) => {
    const server = await startServer((socket) =>
      socket.once('data', () => {
        const head = headers(1, encodeFields([[':status', '200']]), Flag.END_HEADERS)
        socket.write(Buffer.concat([settings(), SETTINGS_ACK, head, data(1, 'half')]))
        setTimeout(() => socket.write(broken), 50)
      }),
    )
    const { port, proxy } = await startTestProxy(server.address, GRPC)
    const stream = dial2(port).request({ ':path': '/' })
    const errors: Error[] = []
    stream.on('error', (error) => errors.push(error))
    stream.resume()
    await new Promise((resolve) => stream.on('close', resolve))
    expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
    expect(errors).toHaveLength(1)
    expect(proxy.stats()[0]!.requests).toMatchObject({ active: 0, broken: 1, retries: 0 })
  })

  it('makes a tunnel of an upgraded connection', async () => {
    const server = await startHttp1(() => {})
    server.server.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ')
      socket.pipe(socket)
    })
    const { port, proxy } = await startTestProxy(server.address, HTTP)
    const socket = await dial(port)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    await until(() => text.includes('hello '), 'the protocol is switched')
    expect(text).toMatch(/^HTTP\/1\.1 101 /)
    socket.write('there')
    await until(() => text.endsWith('hello there'), 'the echo comes back')
    socket.end()
    await until(() => proxy.stats()[0]!.requests.active === 0, 'the tunnel is over')
  })
})
