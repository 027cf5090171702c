import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ConnectionErrorEvent } from '../../../src/core/proxy/events.js'
import { parseListen } from '../../../src/core/proxy/listen.js'
import { createSocketTransport } from '../../../src/core/proxy/transport/socket-transport.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { type Certificates, makeCertificates } from '../../support/certificates.js'
import { eventually } from '../../support/eventually.js'
import { freePort } from '../../support/real-etcd.js'
import { ManualClock } from '../../support/manual-clock.js'
import { cleanUp, dial, ending, readAll, readSome, startEcho, startServer, startTestProxy, until } from '../support.js'
import { dialTls, tlsFiles } from './support.js'

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates.remove())
afterEach(cleanUp)

/** Stands still, on the day the certificates were made. */
function manualClock(): ManualClock {
  const wall = Date.now()
  return Object.assign(new ManualClock(), { wall: () => wall })
}

const commonName = (socket: TLSSocket) => String(socket.getPeerCertificate().subject.CN)

function failures(events: readonly { readonly event: string }[]): string[] {
  const errors = events.filter(({ event }) => event === 'connection_error') as unknown as ConnectionErrorEvent[]
  return errors.map(({ kind, address, reason }) => `${kind} ${address}: ${reason}`)
}

describe.each([true, false])('ending TLS (reading by one buffer: %s)', (staticRead) => {
  async function start(target: string, options: Parameters<typeof startTestProxy>[1] = {}) {
    const transport = createSocketTransport({ staticRead })
    return startTestProxy(target, { transport, tls: await tlsFiles(certificates.server), ...options })
  }

  it('relays what is inside, in both directions', async () => {
    const echo = await startEcho()
    const { port } = await start(echo.address)
    const client = await dialTls(port, { ca: certificates.ca })
    expect(client.getProtocol()).toBe('TLSv1.3')
    const large = Buffer.alloc(3_000_000, 'x')
    client.end(large)
    expect((await readAll(client)).equals(large)).toBe(true)
  })

  it('keeps half-closes and lets the other direction go on', async () => {
    const server = await startServer((socket) => {
      let heard = ''
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
      socket.on('end', () => socket.end(`heard ${heard}`))
    })
    const { port } = await start(server.address)
    const client = await dialTls(port, { ca: certificates.ca, allowHalfOpen: true } as object)
    client.end('all')
    expect((await readAll(client)).toString()).toBe('heard all')
  })

  it('passes on the end of a client that says nothing', async () => {
    const server = await startServer((socket) => socket.resume().on('end', () => socket.end('heard nothing')))
    const { port } = await start(server.address)
    const client = await dialTls(port, { ca: certificates.ca, allowHalfOpen: true } as object)
    client.end()
    expect((await readAll(client)).toString()).toBe('heard nothing')
  })

  it('passes a reset on', async () => {
    const server = await startServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { port } = await start(server.address)
    const client = await dialTls(port, { ca: certificates.ca })
    const ended = ending(client)
    client.write('x')
    expect(await ended).toBe('ECONNRESET')
  })

  it('stops reading from a client that its endpoint does not keep up with', async () => {
    const server = await startServer((socket) => socket.pause())
    const { port, proxy } = await start(server.address)
    const client = await dialTls(port, { ca: certificates.ca })
    const chunk = Buffer.alloc(1 << 20)
    const pump = () => {
      while (client.write(chunk));
    }
    client.on('drain', pump)
    pump()
    let before = -1
    await until(() => {
      const same = proxy.stats()[0]!.bytesSent === before && before > 0
      before = proxy.stats()[0]!.bytesSent
      return same
    }, 'nothing moves any more')
    const stuck = before
    server.sockets[0]!.resume()
    await until(() => proxy.stats()[0]!.bytesSent > stuck, 'it moves again')
  })

  it('begins behind a PROXY header, which comes in clear', async () => {
    const echo = await startEcho()
    const { port, events } = await start(echo.address, {
      proxyProtocol: 'accept',
      trust: ['127.0.0.0/8'],
      allow: ['192.0.2.0/24'],
    })
    for (const address of ['192.0.2.7', '198.51.100.7']) {
      const raw = await dial(port)
      raw.write(`PROXY TCP4 ${address} 192.0.2.1 1234 443\r\n`)
      const greeted = dialTls(port, { socket: raw, ca: certificates.ca })
      if (address.startsWith('198')) {
        await expect(greeted).rejects.toThrow()
        continue
      }
      const client = await greeted
      client.write('hello')
      expect(await readSome(client)).toBe('hello')
    }
    expect(failures(events)).toEqual(['denied 198.51.100.7: not in the allow list'])
  })

  it('reads a ClientHello that came in one piece with the PROXY header, or in many', async () => {
    const echo = await startEcho()
    const { port } = await start(echo.address, { proxyProtocol: 'accept', trust: ['127.0.0.0/8'] })
    const header = 'PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n'
    for (const size of [1, 100, 10_000]) {
      const relay = await startServer((socket) => {
        const upstream = connectTcp(port, '127.0.0.1')
        upstream.on('error', () => {})
        let first = true
        socket.on('data', (chunk: Buffer) => {
          const bytes = first ? Buffer.concat([Buffer.from(header), chunk]) : chunk
          first = false
          upstream.setNoDelay()
          for (let at = 0; at < bytes.length; at += size) upstream.write(bytes.subarray(at, at + size))
        })
        upstream.pipe(socket)
      })
      const client = await dialTls(relay.port, { ca: certificates.ca })
      client.write('hello')
      expect(await readSome(client)).toBe('hello')
    }
  })
})

describe('ending TLS', () => {
  async function start(options: Parameters<typeof startTestProxy>[1] = {}) {
    const echo = await startEcho()
    return startTestProxy(echo.address, { tls: await tlsFiles(certificates.server), ...options })
  }

  it('accepts TLS 1.2 and nothing older', async () => {
    const { port, events, proxy } = await start()
    const client = await dialTls(port, { ca: certificates.ca, maxVersion: 'TLSv1.2' })
    expect(client.getProtocol()).toBe('TLSv1.2')
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await expect(dialTls(port, { ca: certificates.ca, ...old })).rejects.toThrow()
    await until(() => failures(events).length > 0, 'it is told')
    expect(failures(events)).toEqual([expect.stringMatching(/^handshake_failed 127\.0\.0\.1: unsupported protocol/)])
    await until(() => proxy.stats()[0]!.connections.active === 1, 'only the good one is counted')
    expect(proxy.stats()[0]!.connections).toMatchObject({ total: 2, handshakeFailures: 1 })
  })

  it('resumes sessions', async () => {
    const { port } = await start()
    const first = await dialTls(port, { ca: certificates.ca })
    first.resume()
    const [session] = (await once(first, 'session')) as [Buffer]
    const second = await dialTls(port, { ca: certificates.ca, session })
    expect(second.isSessionReused()).toBe(true)
  })

  it('turns away who does not speak TLS, and says so', async () => {
    const { port, events } = await start()
    const client = await dial(port)
    client.write('GET / HTTP/1.1\r\n\r\n')
    await ending(client)
    await until(() => failures(events).length > 0, 'it is told')
    expect(failures(events)).toEqual(['handshake_failed 127.0.0.1: the peer does not speak TLS'])
  })

  it('says nothing of who only looks whether it is there', async () => {
    const { port, events, proxy } = await start()
    for (const leave of ['end', 'resetAndDestroy'] as const) (await dial(port))[leave]()
    await until(() => proxy.stats()[0]!.connections.total === 2, 'they came')
    await until(() => proxy.stats()[0]!.connections.active === 0, 'they are gone')
    expect(failures(events)).toEqual([])
    expect(proxy.stats()[0]!.connections.handshakeFailures).toBe(0)
  })

  it('gives a handshake its time, and no more', async () => {
    const clock = manualClock()
    const { port, events, proxy } = await start({ runtime: { ...systemRuntime, clock } })
    const client = await dial(port)
    const ended = ending(client)
    client.write(Buffer.from('160301', 'hex'))
    await until(() => proxy.stats()[0]!.connections.active === 1, 'it has begun')
    await clock.advance(9000)
    expect(proxy.stats()[0]!.connections.active).toBe(1)
    await clock.advance(1500)
    await ended
    expect(failures(events)).toEqual(['handshake_failed 127.0.0.1: the handshake took longer than 10 s'])
    expect(proxy.stats()[0]!.connections).toMatchObject({ active: 0, handshakeFailures: 1 })
  })

  it('breaks off handshakes when it stops, without a word', async () => {
    const { port, events, proxy } = await start()
    const client = await dial(port)
    const ended = ending(client)
    client.write(Buffer.from('160301', 'hex'))
    await until(() => proxy.stats()[0]!.connections.active === 1, 'it has begun')
    await proxy.close()
    await ended
    expect(failures(events)).toEqual([])
  })

  it('demands a certificate of clients where it has an authority for them', async () => {
    const { port, events } = await start({ tls: await tlsFiles(certificates.server, certificates.ca) })
    const { ca, client, stranger } = certificates
    const good = await dialTls(port, { ca, ...client })
    good.write('hello')
    expect(await readSome(good)).toBe('hello')

    const without = dialTls(port, { ca, maxVersion: 'TLSv1.2' })
    await expect(without).rejects.toThrow()
    await until(() => failures(events).length === 1, 'the first is told')
    expect(failures(events)[0]).toMatch(/^handshake_failed 127\.0\.0\.1: peer did not return a certificate/)

    const strange = await start({ tls: await tlsFiles(certificates.server, stranger) })
    const refused = await dialTls(strange.port, { ca, ...client })
    refused.write('hello')
    expect(await ending(refused)).not.toBe('')
    expect(strange.proxy.stats()[0]!.endpoints[0]!.total).toBe(0)
    await until(() => failures(strange.events).length === 1, 'the second is told')
    expect(failures(strange.events)[0]).toBe(
      "handshake_failed 127.0.0.1: the client's certificate was not accepted (SELF_SIGNED_CERT_IN_CHAIN)",
    )
  })

  it('shows a new certificate to new connections and drops none', async () => {
    const tls = await tlsFiles(certificates.server)
    const clock = manualClock()
    const { port, events } = await start({ tls, runtime: { ...systemRuntime, clock } })
    const old = await dialTls(port, { ca: certificates.ca })
    expect(commonName(old)).toBe('server')

    const renewed = await certificates.issue('renewed')
    await writeFile(`${tls.keyFile}.new`, renewed.key)
    await rename(`${tls.keyFile}.new`, tls.keyFile)
    await writeFile(tls.certFile, renewed.cert)
    await clock.advance(5000)
    await until(() => events.some(({ event }) => event === 'certificates'), 'it is reloaded')
    expect(commonName(await dialTls(port, { ca: certificates.ca }))).toBe('renewed')
    old.write('still here')
    expect(await readSome(old)).toBe('still here')

    await writeFile(tls.certFile, 'nonsense')
    await eventually(async () => {
      await clock.advance(5000)
      expect(events.find(({ event }) => event === 'certificates_refused')).toMatchObject({
        reason: `cannot use ${tls.certFile} for TLS: it holds no certificate in PEM form`,
      })
    })
    expect(commonName(await dialTls(port, { ca: certificates.ca }))).toBe('renewed')
  })

  it('renews under load without a failure', async () => {
    const tls = await tlsFiles(certificates.server)
    const clock = manualClock()
    const { port, events, proxy } = await start({ tls, runtime: { ...systemRuntime, clock } })
    const seen = new Set<string>()
    let stop = false
    const visit = async () => {
      while (!stop) {
        const client = await dialTls(port, { ca: certificates.ca })
        seen.add(commonName(client))
        client.end('hello')
        expect((await readAll(client)).toString()).toBe('hello')
      }
    }
    const visitors = Array.from({ length: 2 }, visit)
    for (const name of ['first', 'second', 'third']) {
      const { cert, key } = await certificates.issue(name)
      await writeFile(tls.certFile, cert)
      await writeFile(tls.keyFile, key)
      await eventually(async () => {
        await clock.advance(5000)
        expect(seen).toContain(name)
      })
    }
    stop = true
    await Promise.all(visitors)
    expect([...seen]).toEqual(['server', 'first', 'second', 'third'])
    expect(failures(events)).toEqual([])
    expect(proxy.stats()[0]!.connections).toMatchObject({ failed: 0, handshakeFailures: 0 })
  })

  it('goes by other files after a reload, and by the same ones where they cannot be used', async () => {
    const listen = `tcp://127.0.0.1:${await freePort()}`
    const { address } = await startEcho()
    const tls = await tlsFiles(certificates.server)
    const { port, proxy } = await startTestProxy(address, { listen, tls })
    const listeners = [parseListen(`${listen}=${address}`)]
    const old = await dialTls(port, { ca: certificates.ca })

    await proxy.reload({ listeners, tls: await tlsFiles(await certificates.issue('renewed')) }, 1000)
    expect(commonName(await dialTls(port, { ca: certificates.ca }))).toBe('renewed')

    await expect(proxy.reload({ listeners, tls: { ...tls, certFile: '/nowhere' } }, 1000)).rejects.toThrow('/nowhere')
    expect(commonName(await dialTls(port, { ca: certificates.ca }))).toBe('renewed')

    await proxy.reload({ listeners }, 1000)
    const clear = await dial(port)
    clear.write('in clear')
    expect(await readSome(clear)).toBe('in clear')
    old.write('still here')
    expect(await readSome(old)).toBe('still here')
  })

  it('does not start with a certificate that it cannot use', async () => {
    const expired = await tlsFiles(await certificates.issue('old', -1))
    await expect(start({ tls: expired })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`cannot use ${expired.certFile} for TLS: the certificate expired on`),
    })
    const { cert } = certificates.server
    const mixed = await tlsFiles({ cert, key: certificates.client.key })
    await expect(start({ tls: mixed })).rejects.toThrow('is not the key of the certificate')
    const missing = { ...expired, keyFile: '/nowhere/key.pem' }
    await expect(start({ tls: missing })).rejects.toThrow('cannot read /nowhere/key.pem: there is no such file')
  })
})
