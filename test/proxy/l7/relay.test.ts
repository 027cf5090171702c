import { Agent } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, cleanup, startTestProxy } from '../support.js'
import { ask1, ask2, dial2, startHttp1, startHttp2 } from './servers.js'

afterEach(cleanUp)

/** Echoes what it was sent, with a trailer. */
function echo1(name = 'h1') {
  return startHttp1((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.setHeader('x-name', name)
      response.setHeader('x-seen', JSON.stringify(request.headers))
      response.end(Buffer.concat([Buffer.from(`${request.method} ${request.url} `), ...chunks]))
    })
  })
}

function echo2(name = 'h2') {
  return startHttp2((stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      stream.respond({ 'x-name': name, 'x-seen': JSON.stringify(headers) }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': String(chunks.length > 0) }))
      stream.end(Buffer.concat([Buffer.from(`${headers[':method']} ${headers[':path']} `), ...chunks]))
    })
  })
}

const HTTP = { listen: 'http://127.0.0.1:0' }
const GRPC = { listen: 'grpc://127.0.0.1:0' }
const BODY = 'body '.repeat(100_000)

describe('relaying', () => {
  it('takes HTTP/1.1 to HTTP/1.1', async () => {
    const server = await echo1()
    const { port } = await startTestProxy(server.address, HTTP)
    expect(await ask1(port, { path: '/a?b=c' })).toMatchObject({ status: 200, body: 'GET /a?b=c ' })
    expect(await ask1(port, { method: 'POST', body: BODY })).toMatchObject({ status: 200, body: `POST / ${BODY}` })
  })

  it('takes HTTP/2 to HTTP/2, trailers included', async () => {
    const server = await echo2()
    const { port } = await startTestProxy(server.address, GRPC)
    const session = dial2(port)
    expect(await ask2(session, { path: '/a?b=c' })).toMatchObject({ status: 200, body: 'GET /a?b=c ' })
    const answer = await ask2(session, { method: 'POST', body: BODY })
    expect(answer).toMatchObject({ status: 200, body: `POST / ${BODY}`, trailers: { 'x-sum': 'true' } })
  })

  it('tells by the first bytes which HTTP a client speaks', async () => {
    const [one, two] = [await echo1(), await echo2()]
    const first = await startTestProxy(one.address, HTTP)
    const second = await startTestProxy(two.address, HTTP)
    expect(await ask1(first.port)).toMatchObject({ headers: { 'x-name': 'h1' } })
    expect(await ask2(dial2(second.port))).toMatchObject({ headers: { 'x-name': 'h2' } })
  })

  it('picks anew for each request of a connection', async () => {
    const servers = await Promise.all(['a', 'b', 'c'].map((name) => echo2(name)))
    const target = servers.map(({ address }) => address).join(',')
    const { port, proxy } = await startTestProxy(target, GRPC)
    const session = dial2(port)
    const names: unknown[] = []
    for (let i = 0; i < 9; i++) names.push((await ask2(session)).headers['x-name'])
    expect(names.sort()).toEqual(['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'c'])
    expect(servers.map(({ connections }) => connections)).toEqual([1, 1, 1])
    expect(proxy.stats()[0]).toMatchObject({
      requests: { total: 9, active: 0, responses: { '2xx': 9 } },
      endpoints: [{ requests: 3 }, { requests: 3 }, { requests: 3 }],
    })
  })

  it('keeps connections of HTTP/1.1 for the next request', async () => {
    const server = await echo1()
    const { port } = await startTestProxy(server.address, HTTP)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    cleanup(() => agent.destroy())
    for (let i = 0; i < 5; i++) expect((await ask1(port, {}, agent)).status).toBe(200)
    expect(server.connections).toBe(1)
  })

  it('tells the endpoint of the client and of itself', async () => {
    const server = await echo1()
    const { port } = await startTestProxy(server.address, HTTP)
    const headers = { 'host': 'example.com', 'x-forwarded-for': '6.6.6.6', 'connection': 'x-hop', 'x-hop': '1' }
    const seen = JSON.parse((await ask1(port, { headers })).headers['x-seen'] as string) as Record<string, string>
    expect(seen).toMatchObject({
      'host': 'example.com',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'example.com',
      'forwarded': 'for=127.0.0.1;host="example.com";proto=http',
      'via': '1.1 fairlead',
    })
    expect(seen).not.toHaveProperty('x-hop')
  })

  it('says which schemes it listens with', async () => {
    const { events } = await startTestProxy('127.0.0.1:1', GRPC)
    const listen = expect.stringMatching(/^grpc:\/\/127\.0\.0\.1:\d+$/)
    expect(events[0]).toMatchObject({ event: 'listening', listen })
  })
})
