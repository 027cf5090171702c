import { Server as GrpcServer, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { parseCheck } from '../../src/core/health/check.js'
import { FAILURES_TO_UNHEALTHY, watchHealth } from '../../src/core/health/check-loop.js'
import { probe, type Road } from '../../src/core/health/probe.js'
import { type Address, parseAddress } from '../../src/core/model/address.js'
import { systemClock, systemRuntime } from '../../src/core/runtime.js'
import { freePort } from '../support/real-etcd.js'

const closing: (() => void)[] = []
afterEach(() => closing.splice(0).forEach((close) => close()))

async function listen(server: Server): Promise<Address> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return parseAddress(`127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const check = (text: string, address: Address, timeoutMs = 5000, road?: Road) =>
  probe(parseCheck(text), address, timeoutMs, systemClock, undefined, road)

describe('reading a check', () => {
  it.each([
    ['tcp', { kind: 'tcp' }],
    ['http:/healthz?x=1', { kind: 'http', path: '/healthz?x=1', expected: [[200, 399]] }],
    ['http:204:/', { kind: 'http', path: '/', expected: [[204, 204]] }],
    [
      'http:200-299,404:/a',
      {
        kind: 'http',
        path: '/a',
        expected: [
          [200, 299],
          [404, 404],
        ],
      },
    ],
    ['grpc', { kind: 'grpc', service: '' }],
    ['grpc:a.b.C', { kind: 'grpc', service: 'a.b.C' }],
  ])('takes %s', (text, expected) => {
    expect(parseCheck(text)).toEqual(expected)
  })

  it.each([
    '',
    'udp',
    'http',
    'http:healthz',
    'http:/a b',
    'grpc:',
    'tcp:80',
    'http:200:',
    'http::/',
    'http:20:/',
    'http:600:/',
    'http:299-200:/',
    'http:200,:/',
    'http:200-:/',
  ])('refuses %j', (text) => {
    expect(() => parseCheck(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

describe('checking an endpoint', () => {
  it('over TCP passes when a connection stands', async () => {
    expect(await check('tcp', await listen(createServer((socket) => socket.destroy())))).toBeUndefined()
    expect(await check('tcp', parseAddress(`127.0.0.1:${await freePort()}`))).toMatch(/ECONNREFUSED/)
  })

  it('over HTTP passes for 2xx and 3xx', async () => {
    const server = createHttpServer((request, response) => {
      response.statusCode = Number(request.url!.slice(1))
      response.end()
    })
    const address = await listen(server)
    expect(await check('http:/200', address)).toBeUndefined()
    expect(await check('http:/302', address)).toBeUndefined()
    expect(await check('http:/404', address)).toBe('GET /404 answered 404')
    expect(await check('http:/503', address)).toBe('GET /503 answered 503')
    expect(await check('http:500-599:/503', address)).toBeUndefined()
    expect(await check('http:204,206:/200', address)).toBe('GET /200 answered 200')
  })

  it('fails after the time-out where nothing answers, and for what answers nonsense', async () => {
    const mute = await listen(createServer((socket) => closing.push(() => socket.destroy())))
    expect(await check('http:/', mute, 100)).toBe('no answer within 100 ms')
    expect(await check('grpc', mute, 100)).toBe('no answer within 100 ms')
    const noise = await listen(createServer((socket) => socket.on('error', () => {}).end('nonsense\r\n\r\n')))
    expect(await check('http:/', noise)).toBeTypeOf('string')
    expect(await check('grpc', noise)).toBeTypeOf('string')
  })

  it('is over when it is aborted', async () => {
    const mute = await listen(createServer((socket) => closing.push(() => socket.destroy())))
    const abort = new AbortController()
    const checking = probe(parseCheck('http:/'), mute, 60_000, systemClock, abort.signal)
    abort.abort()
    expect(await checking).toBe('aborted')
  })

  it('speaks the gRPC health protocol', async () => {
    const long = 'x'.repeat(200)
    const statuses: Record<string, number> = { '': 1, 'up': 1, [long]: 1, 'down': 2 }
    const server = new GrpcServer()
    server.addService(healthService, {
      check(call: { request: { service: string } }, reply: (error: object | null, status?: number) => void) {
        const status = statuses[call.request.service]
        if (status === undefined) reply({ code: 5, details: 'unknown service' })
        else reply(null, status)
      },
    })
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    closing.push(() => server.forceShutdown())
    const address = parseAddress(`127.0.0.1:${port}`)
    expect(await check('grpc', address)).toBeUndefined()
    expect(await check('grpc:up', address)).toBeUndefined()
    expect(await check(`grpc:${long}`, address)).toBeUndefined()
    expect(await check('grpc:down', address)).toBe('the health service answered NOT_SERVING')
    expect(await check('grpc:other', address)).toBe('the health service answered grpc-status 5')
  })
})

describe('checking over and over', () => {
  it('takes one pass to become healthy and three failures in a row to become unhealthy', async () => {
    const answers = [503, 200, 503, 503, 200, 503, 503, 503, 200]
    let asked = 0
    const server = createHttpServer((_request, response) => {
      response.statusCode = answers[asked++] ?? 200
      response.end()
    })
    const address = await listen(server)
    const changes: [boolean, number][] = []
    const abort = new AbortController()
    const watching = watchHealth(parseCheck('http:/'), address, 1, systemRuntime, abort.signal, (healthy) => {
      changes.push([healthy, asked])
      if (changes.length === 3) abort.abort()
    })
    await watching
    expect(FAILURES_TO_UNHEALTHY).toBe(3)
    expect(changes).toEqual([
      [true, 2],
      [false, 8],
      [true, 9],
    ])
  })
})

/** grpc.health.v1.Health with hand-made messages: the service asked for in, the status out. */
const healthService: ServiceDefinition = {
  check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: ({ service }: { service: string }) => Buffer.from(service),
    requestDeserialize: (bytes: Buffer) => {
      if (bytes.length === 0) return { service: '' }
      if (bytes[0] !== 0x0a) throw new Error('not field 1')
      const head = bytes[1]! < 0x80 ? 2 : 3
      return { service: bytes.toString('utf8', head) }
    },
    responseSerialize: (status: number) => Buffer.from([0x08, status]),
    responseDeserialize: (bytes: Buffer) => bytes[1],
  },
}
