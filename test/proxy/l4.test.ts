import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { createSocketTransport } from '../../src/core/proxy/transport/socket-transport.js'
import {
  cleanUp,
  dial,
  ending,
  readAll,
  readSome,
  startEcho,
  startNamed,
  startServer,
  startTestProxy,
  until,
} from './support.js'

afterEach(cleanUp)

const TRANSPORTS = [
  ['one read buffer for the process', () => createSocketTransport()],
  ["'data' events", () => createSocketTransport({ staticRead: false })],
] as const

describe.each(TRANSPORTS)('relaying a connection, reading by %s', (_, makeTransport) => {
  const transport = makeTransport()

  it('passes bytes both ways', async () => {
    const echo = await startEcho()
    const { port } = await startTestProxy(echo.address, { transport })
    const client = await dial(port)
    for (const text of ['one', 'two', 'three']) {
      client.write(text)
      expect(await readSome(client)).toBe(text)
    }
  })

  it('lets the server speak first', async () => {
    const server = await startNamed('hello')
    const { port } = await startTestProxy(server.address, { transport })
    expect(await readSome(await dial(port))).toBe('hello\n')
  })

  it("passes the client's end on and goes on carrying the answer", async () => {
    const server = await startServer((socket) => {
      void readAll(socket).then((all) => socket.end(`got ${all.length}`))
    })
    const { port } = await startTestProxy(server.address, { transport })
    const client = await dial(port)
    client.end('12345')
    expect((await readAll(client)).toString()).toBe('got 5')
  })

  it("passes the server's end on and goes on carrying what the client sends", async () => {
    const received: Promise<Buffer>[] = []
    const server = await startServer((socket) => {
      socket.end('bye')
      received.push(readAll(socket))
    })
    const { port } = await startTestProxy(server.address, { transport })
    const client = await dial(port)
    expect((await readAll(client)).toString()).toBe('bye')
    client.write('still here')
    client.end()
    expect((await received[0]!).toString()).toBe('still here')
  })

  it('carries 32 MiB each way unharmed, and counts them', async () => {
    const echo = await startEcho()
    const { port, proxy } = await startTestProxy(echo.address, { transport })
    const client = await dial(port)
    const block = randomBytes(1 << 20)
    const sent = createHash('sha256')
    const received = readAll(client)
    for (let i = 0; i < 32; i++) {
      block[i] = i
      sent.update(block)
      if (!client.write(Buffer.from(block))) await once(client, 'drain')
    }
    client.end()
    const echoed = await received
    expect(createHash('sha256').update(echoed).digest('hex')).toBe(sent.digest('hex'))
    expect(proxy.stats()[0]).toMatchObject({ bytesSent: 32 << 20, bytesReceived: 32 << 20 })
  })

  it('stops reading a sender whose receiver does not read', async () => {
    let sent = 0
    const chunk = Buffer.alloc(1 << 20)
    const server = await startServer((socket) => {
      const pump = () => {
        while (!socket.destroyed && socket.write(chunk)) sent += chunk.length
        sent += chunk.length
        socket.once('drain', pump)
      }
      pump()
    })
    const { port, proxy } = await startTestProxy(server.address, { transport })
    const client = await dial(port)
    client.pause()
    let before = -1
    await until(() => proxy.stats()[0]!.bytesReceived > 0, 'bytes flow')
    do {
      before = proxy.stats()[0]!.bytesReceived
      await new Promise((resolve) => setTimeout(resolve, 300))
    } while (proxy.stats()[0]!.bytesReceived !== before)
    expect(sent).toBeLessThan(64 << 20)
    client.resume()
    await until(() => proxy.stats()[0]!.bytesReceived > before + (64 << 20), 'bytes flow again')
  })

  it.each(['client', 'server'] as const)('relays a reset by the %s as a reset', async (who) => {
    const server = await startNamed('x')
    const { port, proxy } = await startTestProxy(server.address, { transport })
    const client = await dial(port)
    await readSome(client)
    const [breaking, other] = who === 'client' ? [client, server.sockets[0]!] : [server.sockets[0]!, client]
    const end = ending(other)
    breaking.resetAndDestroy()
    expect(await end).toBe('ECONNRESET')
    await until(() => proxy.stats()[0]!.connections.active === 0, 'the connection is over')
  })

  it('forgets connections that ended', async () => {
    const echo = await startEcho()
    const { port, proxy } = await startTestProxy(echo.address, { transport })
    for (let i = 0; i < 5; i++) {
      const client = await dial(port)
      client.end('x')
      await readAll(client)
    }
    await until(() => proxy.stats()[0]!.connections.active === 0, 'all connections are over')
    const [stats] = proxy.stats()
    expect(stats!.connections).toEqual({
      total: 5,
      active: 0,
      denied: 0,
      limited: 0,
      malformed: 0,
      handshakeFailures: 0,
      failed: 0,
    })
    expect(stats!.endpoints).toEqual([
      expect.objectContaining({ address: echo.address, total: 5, active: 0, bytesSent: 5, bytesReceived: 5 }),
    ])
  })
})
