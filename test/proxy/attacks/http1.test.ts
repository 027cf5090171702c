import { once } from 'node:events'
import { Agent, createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { HttpLimits } from '../../../src/core/proxy/http/environment.js'
import { eventually } from '../../support/eventually.js'
import { cleanUp, cleanup, dial, startTestProxy } from '../support.js'
import { sendForEver, unharmedBy } from './unharmed.js'

afterEach(cleanUp)

const MEBIBYTE = 1024 * 1024

interface Victim {
  readonly port: number
  readonly backend: { attacked: number; open: number; sent: number; received: number }
  unharmedBy(attack: () => Promise<unknown>): Promise<void>
}

/** A proxy for HTTP in front of an HTTP/1.1 server, and a client whose requests must be answered whatever happens. */
async function startVictim(limits: Partial<HttpLimits> = {}): Promise<Victim> {
  const backend = { attacked: 0, open: 0, sent: 0, received: 0 }
  const server = createServer((request, response) => {
    if (request.url === '/bystander') return void response.end('ok')
    backend.attacked++
    backend.open++
    response.on('close', () => backend.open--)
    if (request.url === '/big') return sendForEver(response, backend)
    // What is uploaded to /slow is not read.
    if (request.url !== '/slow') answer(request, response, backend)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const { port } = await startTestProxy(address, { listen: 'http://127.0.0.1:0', limits })
  const agent = new Agent({ keepAlive: true })
  cleanup(() => {
    agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  const bystander = () =>
    new Promise<string>((resolve, reject) => {
      const request = ask({ port, host: '127.0.0.1', path: '/bystander', agent }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () => {
          resolve(`${String(response.statusCode)} ${body}`)
        })
      })
      request.on('error', reject).end()
    })
  return {
    port,
    backend,
    unharmedBy: (attack) => unharmedBy(bystander, attack),
  }
}

function answer(request: IncomingMessage, response: ServerResponse, backend: Victim['backend']): void {
  request.on('data', (chunk: Buffer) => (backend.received += chunk.length))
  request.on('end', () => response.end('x'.repeat(10_000)))
}

/** Writes until the peer takes no more for a while; how much it took. */
async function writeUntilStuck(socket: Socket, piece: Buffer, most: number): Promise<number> {
  while (!socket.destroyed && socket.bytesWritten < most) {
    if (socket.write(piece)) continue
    const moved = await Promise.race([
      once(socket, 'drain').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 1500, false)),
    ]).catch(() => false)
    if (!moved) break
  }
  return socket.bytesWritten - socket.writableLength
}

const held = () => process.memoryUsage().arrayBuffers

async function untilClosed(socket: Socket): Promise<void> {
  socket.resume()
  await eventually(() => socket.destroyed || socket.readableEnded)
}

describe('a client of HTTP/1.1', () => {
  it('that sends requests without an end and reads no answer holds little', async () => {
    const victim = await startVictim()
    const before = held()
    await victim.unharmedBy(async () => {
      const attacker = await dial(victim.port)
      attacker.pause()
      const requests = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(500))
      expect(await writeUntilStuck(attacker, requests, 64 * MEBIBYTE)).toBeLessThan(32 * MEBIBYTE)
    })
    expect(victim.backend.open).toBeLessThanOrEqual(1)
    expect(held() - before).toBeLessThan(64 * MEBIBYTE)
  })

  it('that does not read what it asked for holds little', async () => {
    const victim = await startVictim()
    const before = held()
    await victim.unharmedBy(async () => {
      const attackers = await Promise.all(Array.from({ length: 10 }, () => dial(victim.port)))
      for (const attacker of attackers) attacker.pause().write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
      await eventually(() => victim.backend.attacked === 10)
      let last = -1
      await eventually(async () => {
        if (last === victim.backend.sent) return true
        last = victim.backend.sent
        await new Promise((resolve) => setTimeout(resolve, 800))
        return false
      })
    })
    // Most of it lies in the kernel's buffers.
    expect(victim.backend.sent).toBeLessThan(10 * 12 * MEBIBYTE)
    expect(held() - before).toBeLessThan(32 * MEBIBYTE)
  })

  it('that does not read for long is let go of', async () => {
    const victim = await startVictim({ stallTimeoutMs: 1000 })
    const attacker = await dial(victim.port)
    attacker.pause().write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
    await eventually(() => victim.backend.attacked === 1)
    await eventually(() => victim.backend.open === 0)
  })

  it('that uploads to an endpoint that does not read is held up', async () => {
    const victim = await startVictim()
    const before = held()
    await victim.unharmedBy(async () => {
      const attacker = await dial(victim.port)
      attacker.write('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n')
      expect(await writeUntilStuck(attacker, Buffer.alloc(65_536), 200 * MEBIBYTE)).toBeLessThan(64 * MEBIBYTE)
    })
    expect(held() - before).toBeLessThan(32 * MEBIBYTE)
  })

  it.each([
    ['field lines', 'GET / HTTP/1.1\r\nHost: a\r\n', 'a: b\r\n'],
    ['one field line', 'GET / HTTP/1.1\r\nHost: a\r\nx: ', 'yyyyyyyyyy'],
    ['a request target', 'GET /', 'zzzzzzzzzz'],
    ['empty lines', '', '\r\n'],
    ['a chunk extension', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;', 'eeeeeeeeee'],
    ['a chunk size', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', '0000000000'],
    ['trailers', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', 't: u\r\n'],
  ])('that sends %s without an end is sent away', async (_, first, rest) => {
    const victim = await startVictim()
    await victim.unharmedBy(async () => {
      const attacker = await dial(victim.port)
      attacker.write(first)
      void writeUntilStuck(attacker, Buffer.from(rest.repeat(1000)), 8 * MEBIBYTE)
      await untilClosed(attacker)
    })
    await eventually(() => victim.backend.open === 0)
  })
})
