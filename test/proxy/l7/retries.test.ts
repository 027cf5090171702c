import { constants } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, startServer, startTestProxy, until } from '../support.js'
import { ask1, ask2, dial2, startHttp1, startHttp2 } from './servers.js'

afterEach(cleanUp)

const HTTP = { listen: 'http://127.0.0.1:0' }
const GRPC = { listen: 'grpc://127.0.0.1:0' }

/** Answers with the body it was sent. */
function good2() {
  return startHttp2((stream) => {
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
}

/** Refuses every request without a look. */
function refusing2() {
  return startHttp2((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM))
}

/** Reads a request and closes the connection. */
function dropping1() {
  return startServer((socket) => socket.once('data', () => socket.destroy()))
}

function good1() {
  return startHttp1((request, response) => {
    response.setHeader('x-method', request.method!)
    request.pipe(response)
  })
}

describe('retrying', () => {
  it('goes elsewhere when an endpoint cannot be connected to', async () => {
    const server = await good2()
    const dead = '127.0.0.1:1'
    const { port, proxy } = await startTestProxy(`${dead},${server.address}`, GRPC)
    const session = dial2(port)
    for (let i = 0; i < 4; i++) {
      expect(await ask2(session, { method: 'POST', body: `body ${i}` })).toMatchObject({
        status: 200,
        body: `body ${i}`,
      })
    }
    const [stats] = proxy.stats()
    expect(stats!.requests.retries).toBeGreaterThan(0)
    expect(stats!.requests).toMatchObject({ total: 4, active: 0, refused: 0 })
  })

  it('sends a refused request again with all of its body', async () => {
    const [bad, good] = [await refusing2(), await good2()]
    const { port, proxy } = await startTestProxy(`${bad.address},${good.address}`, { ...GRPC, policy: 'pick_first' })
    const body = 'x'.repeat(40_000)
    expect(await ask2(dial2(port), { method: 'POST', body })).toMatchObject({ status: 200, body })
    expect(proxy.stats()[0]!.requests).toMatchObject({ total: 1, retries: 1 })
  })

  it('does not try more often than it is told', async () => {
    const servers = await Promise.all([refusing2(), refusing2(), good2()])
    const target = servers.map(({ address }) => address).join(',')
    const { port, proxy } = await startTestProxy(target, { ...GRPC, policy: 'pick_first' })
    expect(await ask2(dial2(port))).toMatchObject({ status: 502 })
    expect(proxy.stats()[0]!.requests).toMatchObject({ retries: 1, refused: 1, responses: { '5xx': 1 } })
    const patient = await startTestProxy(target, { ...GRPC, policy: 'pick_first', retries: 2 })
    expect(await ask2(dial2(patient.port))).toMatchObject({ status: 200 })
  })

  it('sends an idempotent request again when the connection broke, and no other', async () => {
    const [bad, good] = [await dropping1(), await good1()]
    const { port } = await startTestProxy(`${bad.address},${good.address}`, { ...HTTP, policy: 'pick_first' })
    expect(await ask1(port, { method: 'PUT', body: 'again' })).toMatchObject({ status: 200, body: 'again' })
    expect(await ask1(port, { method: 'POST', body: 'once' })).toMatchObject({ status: 502 })
    expect(bad.sockets.length).toBe(2)
  })

  it('asks the only endpoint there is once more', async () => {
    let refusals = 0
    const server = await startHttp2((stream) => {
      if (refusals++ === 0) return stream.close(constants.NGHTTP2_REFUSED_STREAM)
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const { port } = await startTestProxy(server.address, GRPC)
    expect(await ask2(dial2(port), { method: 'POST', body: 'again' })).toMatchObject({ status: 200, body: 'again' })
  })

  it('does not try again what it has begun to pass on', async () => {
    const bad = await startHttp2((stream) => {
      stream.respond({ ':status': 200 })
      stream.write('half')
      setTimeout(() => stream.destroy(new Error('no more')), 50)
    })
    const good = await good2()
    const { port, proxy } = await startTestProxy(`${bad.address},${good.address}`, { ...GRPC, policy: 'pick_first' })
    await expect(ask2(dial2(port))).rejects.toThrow(/INTERNAL_ERROR/)
    await until(() => proxy.stats()[0]!.requests.active === 0, 'it is over')
    expect(proxy.stats()[0]!.requests).toMatchObject({ retries: 0, broken: 1 })
    expect(proxy.stats()[0]!.endpoints[0]).toMatchObject({ requestsFailed: 1 })
  })

  it('loses no request to an endpoint that goes away', async () => {
    const servers = await Promise.all([good2(), good2()])
    const { port, proxy } = await startTestProxy(servers.map(({ address }) => address).join(','), GRPC)
    const session = dial2(port)
    const answers: Promise<{ status: number }>[] = []
    for (let i = 0; i < 200; i++) {
      answers.push(ask2(session, { method: 'POST', body: String(i) }))
      if (i === 100) for (const open of servers[0].sessions) open.goaway()
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200)
    expect(proxy.stats()[0]!.requests).toMatchObject({ total: 200, active: 0, refused: 0 })
  })

  it('opens another connection only when one is full', async () => {
    const waiting: (() => void)[] = []
    const server = await startHttp2(
      (stream) => waiting.push(() => stream.respond({ ':status': 200 }, { endStream: true })),
      { maxConcurrentStreams: 2 },
    )
    const { port } = await startTestProxy(server.address, GRPC)
    const session = dial2(port)
    const first = ask2(session)
    await until(() => waiting.length === 1, 'the first request arrives')
    const others = [ask2(session), ask2(session), ask2(session)]
    await until(() => waiting.length === 4, 'all arrive')
    expect(server.connections).toBe(2)
    for (const answer of waiting) answer()
    for (const { status } of await Promise.all([first, ...others])) expect(status).toBe(200)
  })
})
