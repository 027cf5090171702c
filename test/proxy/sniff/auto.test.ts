import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { request as requestHttps } from 'node:https'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Certificates, makeCertificates } from '../../support/certificates.js'
import { ask1, ask2, dial2, startHttp1, startHttp2 } from '../l7/servers.js'
import { cleanup, cleanUp, dial, readAll, readSome, startEcho, startServer, startTestProxy } from '../support.js'
import { dialTls, startTlsServer, tlsFiles } from '../tls/support.js'

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates.remove())
afterEach(cleanUp)

const AUTO = { listen: 'auto://127.0.0.1:0' }

const http1 = () =>
  startHttp1((request, response) => response.end(`h1 ${request.url} ${request.headers['x-forwarded-proto']}`))
const http2 = () =>
  startHttp2((stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.end(`h2 ${headers[':path']} ${headers['x-forwarded-proto']}`)
  })

/** Greets first, as SMTP and MySQL do, and answers whoever says something then. */
const greeter = () =>
  startServer((socket) => {
    socket.write('220 ready\r\n')
    socket.once('data', (chunk: Buffer) => socket.end(`got ${chunk.toString()}`))
  })

describe('an auto listener', () => {
  it('says that it is one', async () => {
    const { address } = await startEcho()
    const { proxy, events } = await startTestProxy(address, AUTO)
    expect(proxy.listening[0]).toMatch(/^auto:\/\/127\.0\.0\.1:\d+$/)
    expect(events[0]).toMatchObject({ event: 'listening', listen: proxy.listening[0] })
  })

  it('balances HTTP/1 per request', async () => {
    const servers = [await http1(), await http1()]
    const { port, proxy } = await startTestProxy(servers.map(({ address }) => address).join(), AUTO)
    const client = await dial(port)
    for (let i = 0; i < 4; i++) {
      client.write('GET /a HTTP/1.1\r\nhost: a\r\n\r\n')
      expect(await readSome(client)).toContain('h1 /a http')
    }
    expect(servers.map(({ connections }) => connections)).toEqual([1, 1])
    expect(proxy.stats()[0]!.connections.total).toBe(1)
  })

  it('balances HTTP/2 per request', async () => {
    const servers = [await http2(), await http2()]
    const { port } = await startTestProxy(servers.map(({ address }) => address).join(), AUTO)
    const session = dial2(port)
    for (let i = 0; i < 4; i++) expect(await ask2(session, { path: '/a' })).toMatchObject({ body: 'h2 /a http' })
    expect(servers.map(({ connections }) => connections)).toEqual([1, 1])
  })

  it('knows a request that comes byte by byte', async () => {
    const { address } = await http1()
    const { port } = await startTestProxy(address, { ...AUTO, sniffTimeoutMs: 10_000 })
    const client = await dial(port)
    for (const byte of 'GET /slow HTTP/1.1\r\nhost: a\r\n\r\n') {
      client.write(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await readSome(client)).toContain('h1 /slow http')
  })

  it('lets the server speak first where the client waits for it', async () => {
    const { address } = await greeter()
    const { port } = await startTestProxy(address, AUTO)
    const client = await dial(port)
    expect(await readSome(client)).toBe('220 ready\r\n')
    client.write('GET / HTTP/1.1\r\n')
    expect((await readAll(client)).toString()).toBe('got GET / HTTP/1.1\r\n')
  })

  it('relays other protocols as they are, half-closes included', async () => {
    const { address } = await startEcho()
    const { port } = await startTestProxy(address, AUTO)
    for (const text of ['*1\r\n$4\r\nPING\r\n', 'get /key\r\n', 'GET', '\x10\x0c\0\x04MQTT', '\0'.repeat(100_000)]) {
      const client = await dial(port)
      client.end(Buffer.from(text, 'latin1'))
      expect((await readAll(client)).toString('latin1')).toBe(text)
    }
  })

  it('passes TLS through to the endpoint, untouched', async () => {
    const server = await startTlsServer(
      { ...certificates.server, ALPNProtocols: ['h2'] },
      (socket) => void socket.pipe(socket),
    )
    const { port } = await startTestProxy(server.address, AUTO)
    const client = await dialTls(port, { ca: certificates.ca, servername: 'localhost', ALPNProtocols: ['h2'] })
    expect(client.getPeerCertificate().subject.CN).toBe('server')
    client.write('hello')
    expect(await readSome(client)).toBe('hello')
    expect(server.clients).toEqual([{ servername: 'localhost', alpn: 'h2' }])
  })

  it('looks behind a PROXY header', async () => {
    const server = await startHttp1((request, response) => response.end(String(request.headers['x-forwarded-for'])))
    const { port } = await startTestProxy(server.address, { ...AUTO, proxyProtocol: 'accept', trust: ['127.0.0.0/8'] })
    const client = await dial(port)
    client.write('PROXY TCP4 192.0.2.7 192.0.2.1 1234 80\r\nGET / HT')
    client.write('TP/1.1\r\nhost: a\r\n\r\n')
    expect(await readSome(client)).toContain('192.0.2.7')
  })

  it('sends no PROXY header for connections that clients share', async () => {
    const { address } = await startEcho()
    for (const scheme of ['auto', 'http', 'grpc']) {
      const start = startTestProxy(address, { listen: `${scheme}://127.0.0.1:0`, proxyProtocol: 'send' })
      await expect(start).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', hint: expect.stringContaining('tcp://') })
    }
  })
})

describe('an auto listener that ends TLS', () => {
  const start = async (address: string) =>
    startTestProxy(address, { ...AUTO, tls: await tlsFiles(certificates.server) })

  it('goes by what ALPN settles', async () => {
    const [one, two] = [await http1(), await http2()]
    const first = await start(one.address)
    const second = await start(two.address)

    const asked = requestHttps({ host: '127.0.0.1', port: first.port, path: '/a', ca: certificates.ca }).end()
    const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>]
    for await (const chunk of response) expect(chunk.toString()).toBe('h1 /a https')

    const session = connectHttp2(`https://127.0.0.1:${second.port}`, { ca: certificates.ca })
    cleanup(() => session.destroy())
    expect(await ask2(session, { path: '/a' })).toMatchObject({ body: 'h2 /a https' })
    expect(session.alpnProtocol).toBe('h2')
  })

  it('looks at the first bytes inside where ALPN settles nothing', async () => {
    const { address } = await http1()
    const { port } = await start(address)
    const client = await dialTls(port, { ca: certificates.ca })
    client.write('GET /inside HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(await readSome(client)).toContain('h1 /inside https')
  })

  it('takes other protocols for TCP, by ALPN or by the bytes', async () => {
    const { address } = await startEcho()
    const { port } = await start(address)
    for (const ALPNProtocols of [['mqtt'], undefined]) {
      const client = await dialTls(port, { ca: certificates.ca, ...(ALPNProtocols && { ALPNProtocols }) })
      expect(client.alpnProtocol).toBe(ALPNProtocols?.[0] ?? false)
      client.write('\x10\x0c\0\x04MQTT')
      expect(await readSome(client)).toBe('\x10\x0c\0\x04MQTT')
    }
  })

  it('lets the server speak first inside', async () => {
    const { address } = await greeter()
    const { port } = await start(address)
    expect(await readSome(await dialTls(port, { ca: certificates.ca }))).toBe('220 ready\r\n')
  })

  it('does not speak in clear', async () => {
    const { address } = await http1()
    const { port } = await start(address)
    await expect(ask1(port)).rejects.toThrow()
  })
})
