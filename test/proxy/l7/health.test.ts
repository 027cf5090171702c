import { Agent } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createBalancer } from '../../../src/core/balancer/balancer.js'
import { parseCheck } from '../../../src/core/health/check.js'
import type { ProxyEvent } from '../../../src/core/proxy/events.js'
import { parseListen } from '../../../src/core/proxy/listen.js'
import { startProxy } from '../../../src/core/proxy/proxy.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { cleanup, cleanUp, HandResolver, startTestProxy, until } from '../support.js'
import { ask1, ask2, dial2, startHttp1, startHttp2, type TestEndpoint } from './servers.js'

afterEach(cleanUp)

const HTTP = { listen: 'http://127.0.0.1:0' }
const list = (servers: readonly TestEndpoint[]) => servers.map(({ address }) => address).join(',')
const ejection = (fields: object) => ({
  loadBalancingConfig: [{ outlier_detection_experimental: { ...fields, childPolicy: [{ round_robin: {} }] } }],
})
const healthOf = (events: readonly ProxyEvent[], { address }: TestEndpoint) =>
  events.flatMap((event) => (event.event === 'health' && event.address === address ? [event.health] : []))

/** An HTTP/1.1 server that answers its name after so many milliseconds, counting requests. */
async function startNamed(name: string, delayMs: number) {
  const seen = { requests: 0, delayMs, status: 200 }
  const server = await startHttp1((_request, response) => {
    seen.requests++
    response.statusCode = seen.status
    setTimeout(() => response.end(name), seen.delayMs)
  })
  return Object.assign(seen, { address: server.address, port: server.port, connections: 0, kill: server.kill })
}

/** Makes so many requests, some at a time, and returns the status of each. */
async function load(port: number, requests: number, atATime: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: atATime })
  cleanup(() => agent.destroy())
  const statuses: number[] = []
  let left = requests
  const work = async () => {
    while (left-- > 0) statuses.push((await ask1(port, {}, agent)).status)
  }
  await Promise.all(Array.from({ length: atATime }, work))
  return statuses
}

describe('an endpoint at 100 times the latency of the others', () => {
  const start = async () => [await startNamed('a', 10), await startNamed('b', 10), await startNamed('slow', 1000)]

  it('is shunned by peak_ewma', async () => {
    const servers = await start()
    const { port } = await startTestProxy(list(servers), { ...HTTP, policy: 'peak_ewma' })
    expect(new Set(await load(port, 300, 3))).toEqual(new Set([200]))
    // An even spread would be 100.
    expect(servers[2]!.requests).toBeLessThan(30)
  })

  it('is ejected when clients do not wait for it', async () => {
    const servers = await start()
    const resolver = new HandResolver()
    resolver.set(list(servers), 'web', ejection({ interval: '60s' }))
    const { port, events } = await startTestProxy('web', { ...HTTP, resolver, requestTimeoutMs: 500, retries: 0 })
    await until(() => {
      void ask1(port).catch(() => {})
      return healthOf(events, servers[2]!)[0] === 'ejected'
    }, 'it is ejected')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    servers[2]!.requests = 0
    await load(port, 30, 3)
    expect(servers[2]!.requests).toBe(0)
  })
})

it('ejects an endpoint that answers 503, tries it again after a while, and spares those that say 404', async () => {
  const servers = [await startNamed('a', 0), await startNamed('b', 0), await startNamed('c', 0)]
  servers[1]!.status = 503
  servers[2]!.status = 404
  const resolver = new HandResolver()
  resolver.set(list(servers), 'web', ejection({ interval: '0.2s', baseEjectionTime: '1s' }))
  const { port, events } = await startTestProxy('web', { ...HTTP, resolver, retries: 0 })
  expect(await load(port, 30, 1)).toContain(503)
  await until(() => {
    void load(port, 3, 1).catch(() => {})
    return healthOf(events, servers[1]!)[0] === 'ejected'
  }, 'it is ejected')
  servers[1]!.status = 200
  await until(() => healthOf(events, servers[1]!).at(-1) === 'healthy', 'it is let in again')
  servers[1]!.requests = 0
  await until(() => {
    void load(port, 3, 1).catch(() => {})
    return servers[1]!.requests > 0
  }, 'it gets requests again')
  expect(healthOf(events, servers[2]!)).toEqual([])
})

it('goes on with every endpoint when all fail their checks', async () => {
  const servers = await Promise.all(
    ['a', 'b'].map((name) =>
      startHttp1((request, response) => {
        response.statusCode = request.url === '/healthz' ? 500 : 200
        response.end(name)
      }),
    ),
  )
  const { port, events } = await startTestProxy(list(servers), {
    ...HTTP,
    healthCheck: parseCheck('http:200:/healthz'),
    healthIntervalMs: 50,
  })
  await until(() => events.some((event) => event.event === 'panic' && event.panic), 'panic')
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask1(port)))
  expect(
    answers
      .map(({ body }) => body)
      .sort()
      .join(''),
  ).toBe('aaaaabbbbb')
})

it('ejects nobody when a stall of its own makes requests time out', async () => {
  const servers = [await startNamed('a', 300), await startNamed('b', 300)]
  const { port, events } = await startTestProxy(list(servers), { ...HTTP, retries: 0 })
  await load(port, 4, 2)
  // Their sockets break while nobody looks.
  const asked = Array.from({ length: 20 }, () => ask1(port).then(({ status }) => status))
  await until(() => servers[0]!.requests + servers[1]!.requests >= 24, 'the requests have arrived')
  for (const server of servers) server.kill()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000)
  expect(new Set(await Promise.all(asked))).toEqual(new Set([502]))
  expect(events.filter(({ event }) => event === 'health')).toEqual([])
})

describe('weights by load', () => {
  /** An OrcaLoadReport of so many requests a second at half the processor. */
  function report(rps: number): string {
    const bytes = Buffer.alloc(18)
    bytes[0] = 0x09
    bytes.writeDoubleLE(0.5, 1)
    bytes[9] = 0x31
    bytes.writeDoubleLE(rps, 10)
    return bytes.toString('base64')
  }

  it('come from the trailers of gRPC responses', async () => {
    const counts = [0, 0]
    const servers = await Promise.all(
      [100, 300].map((rps, i) =>
        startHttp2((stream) => {
          counts[i]!++
          stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
          stream.on('wantTrailers', () => {
            stream.sendTrailers({ 'grpc-status': '0', 'endpoint-load-metrics-bin': report(rps) })
          })
          stream.end()
        }),
      ),
    )
    const resolver = new HandResolver()
    const fields = { blackoutPeriod: '0s', weightUpdatePeriod: '0.1s' }
    resolver.set(list(servers), 'web', { loadBalancingConfig: [{ weighted_round_robin: fields }] })
    const proxy = await startProxy(
      { listeners: [parseListen('grpc://127.0.0.1:0=web')] },
      { resolver, createBalancer: () => createBalancer({}, systemRuntime) },
      systemRuntime,
    )
    cleanup(() => proxy.close())
    const session = dial2(Number(/:(\d+)$/.exec(proxy.listening[0]!)![1]))
    const call = () =>
      ask2(session, { method: 'POST', headers: { 'content-type': 'application/grpc', 'te': 'trailers' } })
    await until(() => {
      void call().catch(() => {})
      return counts[1]! > 1.5 * counts[0]!
    }, 'the weights have an effect')
    counts.fill(0)
    for (let i = 0; i < 400; i++) await call()
    expect(counts[0]).toBeGreaterThanOrEqual(98)
    expect(counts[0]).toBeLessThanOrEqual(102)
  })
})
