import { once } from 'node:events'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { breakOff } from '../../../src/core/proxy/transport/break-off.js'
import { type Certificates, makeCertificates } from '../../support/certificates.js'
import { startHttp1 } from '../l7/servers.js'
import { cleanup, cleanUp, dial, readSome, startEcho, startServer, startTestProxy, until } from '../support.js'
import { dialTls, tlsFiles } from './support.js'

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates.remove())
afterEach(cleanUp)

/** The first flight of a client of node. */
async function clientHello(): Promise<Buffer> {
  const { port, sockets } = await startServer(() => {})
  const client = connectTls({ host: '127.0.0.1', port, ALPNProtocols: ['h2', 'http/1.1'], servername: 'localhost' })
  client.on('error', () => {})
  cleanup(() => client.destroy())
  await until(() => sockets.length === 1, 'it connects')
  const [hello] = (await once(sockets[0]!, 'data')) as [Buffer]
  return hello
}

describe('hostile clients of a listener that ends TLS', () => {
  const start = async (listen: string, address: string) =>
    startTestProxy(address, { listen, tls: await tlsFiles(certificates.server), sniffTimeoutMs: 20 })

  it('hurt nobody with hellos that are cut, changed or made up', async () => {
    const hello = await clientHello()
    const { address } = await startHttp1((_, response) => response.end('fine'))
    const { port, proxy } = await start('auto://127.0.0.1:0', address)
    const witness = await dialTls(port, { ca: certificates.ca, ALPNProtocols: ['http/1.1'] })

    const changed = fc
      .array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const copy = Buffer.from(hello)
        for (const [at, byte] of changes) copy[at] = byte
        return copy
      })
    const cut = fc.nat(hello.length).map((length) => hello.subarray(0, length))
    const madeUp = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.concat([hello.subarray(0, 6), bytes]))
    const leave = fc.constantFrom('end', 'destroy', 'resetAndDestroy')
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, cut, madeUp), leave, async (bytes, how) => {
        const client = await dial(port)
        client.resume()
        const written = new Promise((resolve) => client.write(bytes, resolve))
        await written
        client[how as 'destroy']()
      }),
      { numRuns: 150 },
    )
    await until(() => proxy.stats()[0]!.connections.active === 1, 'all of them are gone')
    witness.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(await readSome(witness)).toContain('fine')
  })

  it('hurt nobody by breaking off or talking nonsense behind the handshake', async () => {
    const echo = await startEcho()
    const { port, proxy } = await start('tcp://127.0.0.1:0', echo.address)
    const witness = await dialTls(port, { ca: certificates.ca })
    for (const way of ['nonsense', 'reset', 'end'] as const) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const raw = await dial(port)
        const client = await dialTls(port, { socket: raw, ca: certificates.ca, maxVersion })
        client.write('some words')
        if (way === 'nonsense') raw.write(Buffer.alloc(100, 0x17))
        else if (way === 'reset') breakOff(raw, client)
        else raw.end()
        await until(() => proxy.stats()[0]!.connections.active === 1, `the one of ${way} is gone`)
      }
    }
    witness.write('hello')
    expect(await readSome(witness)).toBe('hello')
  })

  it('cannot have it negotiate again', async () => {
    const echo = await startEcho()
    const { port, proxy } = await start('tcp://127.0.0.1:0', echo.address)
    const client = await dialTls(port, { ca: certificates.ca, maxVersion: 'TLSv1.2' })
    const refused = await new Promise<Error | null>((resolve) => {
      client.once('error', resolve)
      ;(client as TLSSocket).renegotiate({}, resolve)
    })
    expect(refused?.message).toMatch(/no renegotiation|ECONNRESET|hang up/i)
    client.destroy()
    await until(() => proxy.stats()[0]!.connections.active === 0, 'it is gone')
  })
})
