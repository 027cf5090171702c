import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, createSecureServer, type SecureServerOptions } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseStaticEndpoints } from '../../../src/core/discovery/static-resolver.js'
import { type Certificates, makeCertificates } from '../../support/certificates.js'
import { eventually } from '../../support/eventually.js'
import { describeWithPeers } from '../../support/peers.js'
import { ask1, ask2, dial2, startHttp1, startHttp2 } from '../l7/servers.js'
import { cleanup, cleanUp, HandResolver, readAll, startTestProxy } from '../support.js'
import { dialTls, tlsFiles, writeFiles } from './support.js'

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates.remove())
afterEach(cleanUp)

const http1 = () =>
  startHttp1((request, response) => response.end(`h1 ${request.url} ${request.headers['x-forwarded-proto']}`))
const http2 = () =>
  startHttp2((stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.end(`h2 ${headers[':path']} ${headers['x-forwarded-proto']}`)
  })

async function start(listen: string, target: string) {
  return startTestProxy(target, { listen: `${listen}://127.0.0.1:0`, tls: await tlsFiles(certificates.server) })
}

function session(port: number): ClientHttp2Session {
  const client = connect(`https://127.0.0.1:${port}`, { ca: certificates.ca })
  client.on('error', () => {})
  cleanup(() => client.destroy())
  return client
}

describe('HTTP over TLS that the proxy ends', () => {
  it('is HTTP/2 where the client offers it', async () => {
    const { address } = await http2()
    for (const scheme of ['http', 'grpc']) {
      const { port } = await start(scheme, address)
      const client = session(port)
      const answers = await Promise.all([1, 2, 3].map((i) => ask2(client, { path: `/${i}` })))
      expect(answers.map(({ body }) => body)).toEqual(['h2 /1 https', 'h2 /2 https', 'h2 /3 https'])
      expect(client.alpnProtocol).toBe('h2')
    }
  })

  it('carries large bodies both ways', async () => {
    const { address } = await startHttp2((stream) => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const { port } = await start('http', address)
    const body = 'body '.repeat(400_000)
    expect((await ask2(session(port), { method: 'POST', body })).body).toBe(body)
  })

  it('prefers HTTP/2, and refuses who offers nothing that the listener speaks', async () => {
    const { address } = await http1()
    const [http, grpc] = [await start('http', address), await start('grpc', address)]
    const settle = async (port: number, ALPNProtocols: string[]) =>
      (await dialTls(port, { ca: certificates.ca, ALPNProtocols })).alpnProtocol
    expect(await settle(http.port, ['http/1.1', 'h2'])).toBe('h2')
    expect(await settle(http.port, ['http/1.1'])).toBe('http/1.1')
    expect(await settle(grpc.port, ['http/1.1', 'h2'])).toBe('h2')
    await expect(settle(http.port, ['mqtt'])).rejects.toThrow(/no application protocol/)
    await expect(settle(grpc.port, ['http/1.1'])).rejects.toThrow(/no application protocol/)
  })

  it('reaches endpoints that speak HTTP/1 only, of which nobody has said so', async () => {
    const server = await http1()
    const { port, proxy, events } = await start('http', server.address)
    const client = session(port)
    const answers = await Promise.all([1, 2, 3].map((i) => ask2(client, { method: 'POST', path: `/${i}`, body: 'x' })))
    expect(answers.map(({ body }) => body)).toEqual(['h1 /1 https', 'h1 /2 https', 'h1 /3 https'])
    const before = proxy.stats()[0]!.endpoints[0]!.total
    expect(await ask2(client, { path: '/4' })).toMatchObject({ body: 'h1 /4 https' })
    expect(proxy.stats()[0]!.endpoints[0]!.total).toBe(before)
    expect(events.filter(({ event }) => event === 'connection_error')).toMatchObject([{ kind: 'other_protocol' }])
  })

  it('answers all that a client asked before it ended its side', async () => {
    const { address } = await http1()
    const { port } = await start('http', address)
    const client = await dialTls(port, { ca: certificates.ca, allowHalfOpen: true } as object)
    client.end([1, 2, 3].map((i) => `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
    expect((await readAll(client)).toString().match(/h1 \/\d/g)).toEqual(['h1 /1', 'h1 /2', 'h1 /3'])
  })

  it('answers who speaks something else inside', async () => {
    const { address } = await http1()
    const { port } = await start('http', address)
    const client = await dialTls(port, { ca: certificates.ca })
    client.write('EHLO example.org\r\n')
    const [answer] = (await once(client, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describeWithPeers(['curl'], 'curl over TLS', () => {
  it.each([
    ['--http2', '2 h2 /a https'],
    ['--http1.1', '1.1 h1 /a https'],
  ])('speaks %s', async (version, expected) => {
    const { address } = version === '--http2' ? await http2() : await http1()
    const { port } = await start('http', address)
    const { ca } = await writeFiles({ ca: certificates.ca })
    const args = ['-sS', version, '--cacert', ca!, '-w', ' %{http_version}', `https://localhost:${port}/a`]
    const { stdout } = await promisify(execFile)('curl', args)
    expect(stdout).toBe(expected.replace(/^(\S+) (.*)$/, '$2 $1'))
  })
})

interface SecureEndpoint {
  readonly address: string
  /** What ALPN settled with each connection. */
  readonly settled: (string | false | null)[]
}

/** Answers with the HTTP version and path of each request. */
async function startSecure(server: Server): Promise<SecureEndpoint> {
  const settled: SecureEndpoint['settled'] = []
  const sockets: Socket[] = []
  server.on('secureConnection', (socket: Socket & { alpnProtocol: string | false | null }) => {
    settled.push(socket.alpnProtocol)
  })
  server.on('connection', (socket: Socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, settled }
}

const secureHttp2 = (options: SecureServerOptions = {}) =>
  startSecure(
    createSecureServer({ ...certificates.server, ...options }, (request, response) => {
      response.end(`${request.httpVersion} ${request.url}`)
    }),
  )

const secureHttp1 = (options: { ALPNProtocols?: string[] } = {}) =>
  startSecure(
    createHttpsServer({ ...certificates.server, ...options }, (request, response) => {
      response.end(`${request.httpVersion} ${request.url}`)
    }),
  )

describe('HTTP over TLS to endpoints', () => {
  async function startTowards(address: string, meta: Record<string, string> = {}) {
    const { ca } = await writeFiles({ ca: certificates.ca })
    const resolver = new HandResolver()
    const [endpoint] = parseStaticEndpoints(address)
    resolver.set([{ ...endpoint!, meta }])
    const options = { listen: 'http://127.0.0.1:0', resolver, upstreamTls: { caFile: ca! } }
    return startTestProxy('web', options)
  }

  it('is what the endpoint chooses of HTTP/2 and HTTP/1.1', async () => {
    const two = await secureHttp2()
    const one = await secureHttp1()
    const both = await secureHttp2({ allowHTTP1: true })
    const towards = async ({ address }: SecureEndpoint) => {
      const { port } = await startTowards(address)
      const client = dial2(port)
      const first = await ask2(client, { path: '/a' })
      return [first.body, (await ask2(client, { path: '/b' })).body]
    }
    expect([await towards(two), two.settled]).toEqual([['2.0 /a', '2.0 /b'], ['h2']])
    expect([await towards(one), one.settled]).toEqual([['1.1 /a', '1.1 /b'], ['http/1.1']])
    expect([await towards(both), both.settled]).toEqual([['2.0 /a', '2.0 /b'], ['h2']])
  })

  it('is HTTP/1.1 for who speaks that', async () => {
    const both = await secureHttp2({ allowHTTP1: true })
    const { port } = await startTowards(both.address)
    expect(await ask1(port, { path: '/a' })).toMatchObject({ body: '1.1 /a' })
    expect(both.settled).toEqual(['http/1.1'])
  })

  it('serves many at once by an endpoint that turns out to speak HTTP/1.1', async () => {
    const one = await secureHttp1()
    const { port } = await startTowards(one.address)
    const client = dial2(port)
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`)
    const answers = await Promise.all(paths.map((path) => ask2(client, { path })))
    expect(answers.map(({ body }) => body)).toEqual(paths.map((path) => `1.1 ${path}`))
  })

  it('is what the metadata say, whatever else the endpoint could', async () => {
    const both = await secureHttp2({ allowHTTP1: true })
    const { port } = await startTowards(both.address, { protocol: 'h1' })
    expect(await ask2(dial2(port), { path: '/a' })).toMatchObject({ body: '1.1 /a' })
    const one = await secureHttp1({ ALPNProtocols: ['http/1.1'] })
    const strict = await startTowards(one.address, { protocol: 'h2' })
    expect(await ask2(dial2(strict.port), { path: '/a' })).toMatchObject({ status: 503 })
    await eventually(() => {
      const failure = strict.events.find((event) => event.event === 'connection_error')
      expect(failure).toMatchObject({
        kind: 'connect_failed',
        address: one.address,
        reason: expect.stringMatching(/^TLS: /),
      })
    })
  })

  it('answers 503 and says why where the certificate is not good', async () => {
    const old = await certificates.issue('old', -1)
    const server = await startSecure(createHttpsServer(old))
    const { port, events } = await startTowards(server.address)
    expect(await ask1(port)).toMatchObject({ status: 503 })
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: 'connect_failed',
        address: server.address,
        reason: 'TLS: certificate has expired (CERT_HAS_EXPIRED)',
      }),
    )
  })
})
