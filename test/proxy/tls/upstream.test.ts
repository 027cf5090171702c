import { writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseStaticEndpoints } from '../../../src/core/discovery/static-resolver.js'
import type { ProxyEvent } from '../../../src/core/proxy/events.js'
import { tlsNameOf } from '../../../src/core/proxy/tls/upstream-tls.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { type Certificates, makeCertificates } from '../../support/certificates.js'
import { eventually } from '../../support/eventually.js'
import { ManualClock } from '../../support/manual-clock.js'
import {
  cleanUp,
  dial,
  ending,
  HandResolver,
  readAll,
  readSome,
  startEcho,
  startServer,
  startTestProxy,
  until,
} from '../support.js'
import { startTlsServer, writeFiles } from './support.js'

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates.remove())
afterEach(cleanUp)

const echo = (socket: TLSSocket) => void socket.pipe(socket)

async function trusting(ca = certificates.ca) {
  const { ca: caFile } = await writeFiles({ ca })
  return { upstreamTls: { caFile: caFile! } }
}

/** What is told of the first attempt to connect that failed. */
async function firstFailure(events: readonly ProxyEvent[]): Promise<string> {
  await until(() => events.some(({ event }) => event === 'connection_error'), 'a failure is told')
  const failure = events.find((event) => event.event === 'connection_error')!
  return `${failure.kind} ${failure.address}: ${failure.reason}`
}

describe('TLS to endpoints', () => {
  it('relays through it in both directions', async () => {
    const server = await startTlsServer(certificates.server, echo)
    const { port } = await startTestProxy(server.address, await trusting())
    const client = await dial(port)
    const large = Buffer.alloc(3_000_000, 'x')
    client.end(large)
    expect((await readAll(client)).equals(large)).toBe(true)
    expect(server.clients).toEqual([{ servername: false, alpn: false }])
  })

  it('hands on what a client reads after the connection to the endpoint has ended in both directions', async () => {
    const large = Buffer.alloc(3_000_000, 'x')
    let isOver = false
    const server = await startTlsServer(certificates.server, (socket) => {
      socket.on('close', () => (isOver = true))
      socket.resume().on('end', () => socket.end(large))
    })
    const { port } = await startTestProxy(server.address, await trusting())
    const client = await dial(port)
    client.end('all')
    await until(() => isOver, 'the endpoint has sent everything')
    await setTimeout(100)
    expect((await readAll(client)).equals(large)).toBe(true)
  })

  it('names the host as SNI, or what the metadata say', async () => {
    const server = await startTlsServer(certificates.server, echo)
    const resolver = new HandResolver()
    const { port } = await startTestProxy('web', { resolver, ...(await trusting()) })
    const [endpoint] = parseStaticEndpoints(`localhost:${server.port}`)
    resolver.set([endpoint!])
    const greet = async () => {
      const client = await dial(port)
      client.write('hello')
      expect(await readSome(client)).toBe('hello')
      client.destroy()
    }
    await eventually(greet)
    expect(server.clients.at(-1)).toMatchObject({ servername: 'localhost' })
    const [other] = parseStaticEndpoints(server.address)
    resolver.set([{ ...other!, meta: { serverName: 'localhost' } }])
    await eventually(async () => {
      await greet()
      expect(server.clients.at(-1)).toMatchObject({ servername: 'localhost' })
    })
  })

  it.each([
    [{ host: '10.0.0.1', meta: {} }, '10.0.0.1'],
    [{ host: 'a.example', meta: {} }, 'a.example'],
    [{ host: '10.0.0.1', meta: { serverName: 'b.example' } }, 'b.example'],
    [{ host: '10.0.0.1', meta: { serverName: '10.0.0.2' } }, '10.0.0.1'],
    [{ host: '10.0.0.1', meta: { serverName: '' } }, '10.0.0.1'],
    [{ host: '10.0.0.1', meta: { serverName: 'b..example' } }, '10.0.0.1'],
    [{ host: '10.0.0.1', meta: { serverName: 'b\0example' } }, '10.0.0.1'],
    [{ host: '10.0.0.1', meta: { serverName: `${'b'.repeat(63)}.`.repeat(4) + 'b' } }, '10.0.0.1'],
  ])('expects of %j a certificate for %s', (endpoint, name) => {
    expect(tlsNameOf(endpoint)).toBe(name)
  })

  it('refuses a certificate that has expired', async () => {
    const server = await startTlsServer(await certificates.issue('old', -1), echo)
    const { port, events, proxy } = await startTestProxy(server.address, await trusting())
    expect(await ending(await dial(port))).toBe('ECONNRESET')
    expect(await firstFailure(events)).toBe(
      `connect_failed ${server.address}: TLS: certificate has expired (CERT_HAS_EXPIRED)`,
    )
    expect(proxy.stats()[0]).toMatchObject({ connectFailures: 1, connections: { failed: 1 } })
    expect(server.clients).toEqual([])
  })

  it('refuses a certificate for another name, and tries another endpoint', async () => {
    const wrong = await startTlsServer(certificates.misnamed, echo)
    const right = await startTlsServer(certificates.server, echo)
    const { port, events } = await startTestProxy(`${wrong.address},${right.address}`, await trusting())
    for (let i = 0; i < 2; i++) {
      const client = await dial(port)
      client.write('hello')
      expect(await readSome(client)).toBe('hello')
    }
    const failure = await firstFailure(events)
    expect(failure).toContain(`connect_failed ${wrong.address}: TLS: `)
    expect(failure).toContain("IP: 127.0.0.1 is not in the cert's list")
  })

  it('refuses an authority it does not know', async () => {
    const server = await startTlsServer(certificates.server, echo)
    for (const options of [await trusting(certificates.stranger), { upstreamTls: {} }]) {
      const { port, events } = await startTestProxy(server.address, options)
      expect(await ending(await dial(port))).toBe('ECONNRESET')
      // Newer versions of Node say in between what could be tried.
      expect(await firstFailure(events)).toMatch(
        /^connect_failed 127\.0\.0\.1:\d+: TLS: unable to verify the first certificate.* \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
      )
    }
  })

  it('refuses an endpoint that speaks in clear, or hangs up', async () => {
    const clear = await startServer((socket) => void socket.write('220 mail ready\r\n'))
    const { port, events } = await startTestProxy(clear.address, await trusting())
    expect(await ending(await dial(port))).toBe('ECONNRESET')
    expect(await firstFailure(events)).toBe(`connect_failed ${clear.address}: TLS: the peer does not speak TLS`)

    const rude = await startServer((socket) => void socket.end())
    const other = await startTestProxy(rude.address, await trusting())
    expect(await ending(await dial(other.port))).toBe('ECONNRESET')
    expect(await firstFailure(other.events)).toMatch(
      /TLS: Client network socket disconnected before secure TLS connection was established/,
    )
  })

  it('counts the handshake into the time to connect', async () => {
    const silent = await startServer((socket) => void socket.resume().on('end', () => socket.end()))
    const { port, events } = await startTestProxy(silent.address, { ...(await trusting()), connectTimeoutMs: 300 })
    expect(await ending(await dial(port))).toBe('ECONNRESET')
    expect(await firstFailure(events)).toBe(`connect_failed ${silent.address}: connection attempt timed out`)
    await until(() => silent.sockets.every(({ closed }) => closed), 'nothing is left behind')
  })

  it('sends a PROXY header in clear before it', async () => {
    const server = await startTlsServer(certificates.server, echo)
    let header = Buffer.alloc(0)
    const front = await startServer(async (socket) => {
      const upstream = await dial(server.port)
      socket.once('data', (chunk: Buffer) => {
        header = Buffer.from(chunk.subarray(0, 28))
        upstream.write(chunk.subarray(28))
        socket.pipe(upstream).pipe(socket)
      })
    })
    const { port } = await startTestProxy(front.address, { ...(await trusting()), proxyProtocol: 'send' })
    const client = await dial(port)
    client.write('hello')
    expect(await readSome(client)).toBe('hello')
    expect(header.subarray(0, 16).toString('hex')).toBe('0d0a0d0a000d0a515549540a2111000c')
    expect(header.readUInt16BE(24)).toBe(client.localPort)
  })

  it('reads the authorities again when they change', async () => {
    const server = await startTlsServer(certificates.server, echo)
    const options = await trusting(certificates.stranger)
    const wall = Date.now()
    const clock = Object.assign(new ManualClock(), { wall: () => wall })
    const { port, events } = await startTestProxy(server.address, { ...options, runtime: { ...systemRuntime, clock } })
    expect(await ending(await dial(port))).toBe('ECONNRESET')
    await writeFile(options.upstreamTls.caFile, certificates.ca)
    await eventually(async () => {
      await clock.advance(5000)
      expect(events).toContainEqual({ event: 'certificates', files: [options.upstreamTls.caFile] })
    })
    const client = await dial(port)
    client.write('hello')
    expect(await readSome(client)).toBe('hello')
  })

  it('does not start with authorities that it cannot use', async () => {
    const server = await startEcho()
    const { broken } = await writeFiles({ broken: Buffer.from('nothing of use') })
    const start = (caFile: string) => startTestProxy(server.address, { upstreamTls: { caFile } })
    await expect(start(broken!)).rejects.toThrow(`cannot use ${broken} for TLS: it holds no certificate in PEM form`)
    await expect(start('/nowhere/ca.pem')).rejects.toThrow('cannot read /nowhere/ca.pem: there is no such file')
  })
})
