import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { HttpLimits } from '../../../src/core/proxy/http/environment.js'
import { eventually } from '../../support/eventually.js'
import { inserted, OK, plain } from '../../support/hpack-literals.js'
import {
  continuation,
  data,
  Flag,
  headers,
  ping,
  RawHttp2,
  reset,
  settings,
  SETTINGS_ACK,
  Type,
  windowUpdate,
} from '../../support/raw-http2.js'
import { cleanUp, cleanup, startServer, startTestProxy } from '../support.js'
import { startVictim } from './victim.js'

afterEach(cleanUp)

/** A proxy whose only endpoint does to every request what `answer` says, and a client of it. */
async function startHostile(
  answer: (endpoint: RawHttp2, id: number) => unknown,
  limits: Partial<HttpLimits> = {},
): Promise<ClientHttp2Session> {
  const server = await startServer((socket) => {
    const endpoint = new RawHttp2(socket, true)
    endpoint.send(settings(), SETTINGS_ACK)
    let seen = 0
    socket.on('data', () => {
      for (const { type, id } of endpoint.frames.slice(seen)) if (type === Type.HEADERS) answer(endpoint, id)
      seen = endpoint.frames.length
    })
  })
  const { port } = await startTestProxy(server.address, { listen: 'http://127.0.0.1:0', limits, retries: 0 })
  const session = connect(`http://127.0.0.1:${String(port)}`)
  session.on('error', () => {})
  cleanup(() => {
    session.destroy()
  })
  return session
}

/** The status that a client gets for a GET, or how it failed. */
async function get(session: ClientHttp2Session): Promise<string> {
  const request = session.request({ ':path': '/' })
  request.on('error', () => {})
  const outcome = await Promise.race([
    once(request, 'response').then(([head]: { ':status'?: number }[]) => String(head?.[':status'])),
    closed(request).then(() => 'broken'),
  ])
  request.resume()
  await closed(request)
  return request.rstCode === 0 ? outcome : `${outcome}, reset`
}

async function closed(request: ClientHttp2Stream): Promise<void> {
  if (!request.closed) await new Promise((resolve) => request.once('close', resolve))
}

async function flood(endpoint: RawHttp2, piece: Buffer): Promise<void> {
  const hundred = Buffer.concat(Array.from({ length: 100 }, () => piece))
  for (let i = 0; i < 500 && !endpoint.ended; i++) {
    endpoint.send(hundred)
    await new Promise(setImmediate)
  }
}

const bomb = Buffer.concat([OK, inserted('x-bomb', 'b'.repeat(4000)), Buffer.alloc(4000, 0x80 | 62)])

describe('an endpoint that answers with', () => {
  it.each<[string, (endpoint: RawHttp2, id: number) => unknown]>([
    [
      'interim responses without an end',
      (endpoint, id) => flood(endpoint, headers(id, plain(8, '103'), Flag.END_HEADERS)),
    ],
    [
      'a header section without an end',
      (endpoint, id) => {
        endpoint.send(headers(id, OK, 0))
        return flood(endpoint, continuation(id, Buffer.of(0x88), 0))
      },
    ],
    ['PING without an end', (endpoint) => flood(endpoint, ping())],
    ['SETTINGS without an end', (endpoint) => flood(endpoint, settings())],
    ['a header section that unpacks to much', (endpoint, id) => endpoint.send(headers(id, bomb))],
    [
      'more fields than allowed',
      (endpoint, id) => endpoint.send(headers(id, Buffer.concat([OK, Buffer.alloc(5000, 0x90)]))),
    ],
    ['a window that overflows', (endpoint) => endpoint.send(windowUpdate(0, 0x7fffffff))],
    ['something else than HTTP/2', (endpoint) => endpoint.socket.write('HTTP/1.1 200 OK\r\n\r\n')],
    ['DATA without a head', (endpoint, id) => endpoint.send(data(id, 'x'))],
    ['a reset', (endpoint, id) => endpoint.send(reset(id, 2))],
    ['refusal', (endpoint, id) => endpoint.send(reset(id, 7))],
    ['the end of the connection', (endpoint) => endpoint.socket.destroy()],
  ])('%s fails its own requests only', async (_, answer) => {
    const victim = await startVictim()
    const session = await startHostile(answer)
    await victim.unharmedBy(async () => {
      for (let i = 0; i < 5; i++) expect(['502', '503']).toContain(await get(session))
    })
  })

  it('trailers that unpack to much breaks the response off', async () => {
    const session = await startHostile((endpoint, id) => {
      endpoint.send(headers(id, OK, Flag.END_HEADERS), data(id, 'x'), headers(id, bomb.subarray(1)))
    })
    expect(await get(session)).toBe('200, reset')
  })

  it('more DATA than it may send loses its connection or stream', async () => {
    const victim = await startVictim()
    const session = await startHostile((endpoint, id) => {
      endpoint.send(headers(id, OK, Flag.END_HEADERS))
      return flood(endpoint, data(id, Buffer.alloc(16_384)))
    })
    await victim.unharmedBy(async () => {
      const request = session.request({ ':path': '/' })
      request.on('error', () => {})
      request.resume()
      await closed(request)
      expect(request.rstCode).not.toBe(0)
    })
  })
})

describe('an endpoint that takes nothing', () => {
  it('holds up its own uploads only, and little of those', async () => {
    const victim = await startVictim()
    const session = await startHostile(() => {}, { stallTimeoutMs: 2000 })
    let taken = 0
    await victim.unharmedBy(async () => {
      const uploads = Array.from({ length: 20 }, () => {
        const upload = session.request({ ':path': '/', ':method': 'POST' })
        upload.on('error', () => {})
        upload.resume()
        const more = (): unknown =>
          !upload.destroyed && upload.write(Buffer.alloc(16_384), () => (taken += 16_384)) && more()
        upload.on('drain', more)
        more()
        return upload
      })
      await eventually(() => uploads.every((upload) => upload.destroyed))
    })
    expect(taken).toBeLessThan(16 * 1024 * 1024)
  })
})
