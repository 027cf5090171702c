import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../src/core/model/endpoint.js'
import { eventually } from '../../support/eventually.js'
import { indexed, plain } from '../../support/hpack-literals.js'
import { data, Flag, headers, RawHttp2, Type } from '../../support/raw-http2.js'
import { collect, exchangeRaw } from '../http1/joined.js'
import { ACCEPTED, REFUSED } from '../http1/raw-requests.js'
import { cleanUp, dial, ending, HandResolver, startServer, startTestProxy } from '../support.js'
import { ask1, startHttp1, startHttp2 } from './servers.js'

afterEach(cleanUp)

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** An endpoint that writes down every byte it is sent, and answers each head it sees. */
async function startRaw(answer = OK) {
  const heard: string[] = []
  const { port } = await startServer((socket: Socket) => {
    const place = heard.push('') - 1
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      heard[place] += text
      for (let i = text.split('\r\n\r\n').length; i > 1; i--) socket.write(Buffer.from(answer, 'latin1'))
    })
    socket.on('end', () => socket.end())
  })
  return { port, heard: () => heard.join('\n') }
}

/** A listener before one endpoint that speaks the given protocol. */
async function startBefore(port: number, protocol: string, options = {}) {
  const resolver = new HandResolver()
  const address = `127.0.0.1:${port}`
  const meta = { protocol }
  const endpoint: Endpoint = {
    id: 'a',
    address,
    host: '127.0.0.1',
    port,
    weight: 1,
    state: 'ready',
    role: 'server',
    meta,
  }
  resolver.set([endpoint])
  return startTestProxy('web', { listen: 'http://127.0.0.1:0', resolver, ...options })
}

describe('HTTP/1.1 to HTTP/1.1', () => {
  it('takes no request along behind one that is refused', async () => {
    const endpoint = await startRaw()
    const { port, proxy } = await startBefore(endpoint.port, 'http1')
    await Promise.all(
      REFUSED.map(async ([name, status, payload]) => {
        const answer = await exchangeRaw(port, payload + SMUGGLED)
        expect({ name, answer: answer.slice(0, 12) }).toEqual({ name, answer: `HTTP/1.1 ${status}` })
      }),
    )
    expect(endpoint.heard()).not.toContain('smuggled')
    expect(proxy.stats()[0]!.connections.malformed).toBe(REFUSED.length)
    expect(await ask1(port)).toMatchObject({ status: 200, body: 'ok' })
  }, 60_000)

  it('passes one request on for one that is let through, in words of its own', async () => {
    const endpoint = await startHttp1((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => response.end(`[${Buffer.concat(chunks).toString('latin1')}]`))
    })
    const { port } = await startBefore(endpoint.port, 'http1')
    for (const [name, payload, , body = ''] of ACCEPTED) {
      if (/^(HEAD|get) |^OPTIONS \*/.test(payload)) continue
      const answer = await exchangeRaw(port, payload + 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect({ name, bodies: answer.match(/\[.*?\]/g) }).toEqual({
        name,
        bodies: payload.includes(' HTTP/1.0') || payload.includes('close') ? [`[${body}]`] : [`[${body}]`, '[]'],
      })
    }
  }, 60_000)

  it.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\nok'],
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX: 1\r\n Content-Length: 2\r\n\r\nok'],
    ['a protocol nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ])('answers 502 to a response with %s', async (_, response) => {
    const endpoint = await startRaw(response)
    const { port } = await startBefore(endpoint.port, 'http1', { retries: 0 })
    expect(await ask1(port)).toMatchObject({ status: 502, body: 'the endpoint broke off\n' })
  })

  it('gives nobody the bytes that follow a response', async () => {
    const endpoint = await startRaw(OK + 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled')
    const { port } = await startBefore(endpoint.port, 'http1')
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask1(port)))
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 20 }, () => 'ok'))
  })

  it('breaks a response off that is shorter than announced', async () => {
    const endpoint = await startServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort'))
    })
    const { port } = await startBefore(endpoint.port, 'http1')
    const socket = await dial(port)
    const ended = ending(socket)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await ended).toBe('ECONNRESET')
  })
})

const REQUEST = [indexed(3), indexed(6), plain(':authority', 'a')]
const root = indexed(4)

/** Header sections of HTTP/2 that would mean something else as lines of HTTP/1.1. */
const DOWNGRADED: readonly (readonly [string, Buffer[]])[] = [
  ['CR LF in a value', [...REQUEST, root, plain('x', `a\r\n\r\n${SMUGGLED}`)]],
  ['LF in a value', [...REQUEST, root, plain('x', 'a\nsmuggled: 1')]],
  ['CR in a value', [...REQUEST, root, plain('x', 'a\rsmuggled: 1')]],
  ['NUL in a value', [...REQUEST, root, plain('x', 'smuggled\0')]],
  ['space around a value', [...REQUEST, root, plain('x', ' smuggled ')]],
  ['CR LF in a name', [...REQUEST, root, plain('x: y\r\nsmuggled', '1')]],
  ['colon in a name', [...REQUEST, root, plain('x: smuggled', '1')]],
  ['space in a name', [...REQUEST, root, plain('transfer-encoding ', 'smuggled')]],
  ['upper case in a name', [...REQUEST, root, plain('Smuggled', '1')]],
  ['empty name', [...REQUEST, root, plain('', 'smuggled')]],
  ['transfer-encoding', [...REQUEST, root, plain('transfer-encoding', 'chunked'), plain('smuggled', '1')]],
  ['connection', [...REQUEST, root, plain('connection', 'smuggled')]],
  ['upgrade', [...REQUEST, root, plain('upgrade', 'smuggled')]],
  ['te other than trailers', [...REQUEST, root, plain('te', 'chunked'), plain('smuggled', '1')]],
  [
    'two content-lengths',
    [...REQUEST, root, plain('content-length', '0'), plain('content-length', '5'), plain('smuggled', '1')],
  ],
  ['malformed content-length', [...REQUEST, root, plain('content-length', '+0'), plain('smuggled', '1')]],
  ['content-length without a body', [...REQUEST, root, plain('content-length', '40'), plain('smuggled', '1')]],
  ['space in the path', [...REQUEST, plain(':path', '/smuggled HTTP/1.1')]],
  ['CR LF in the path', [...REQUEST, plain(':path', `/ HTTP/1.1\r\n\r\n${SMUGGLED}`)]],
  ['empty path', [...REQUEST, plain(':path', ''), plain('smuggled', '1')]],
  ['path without a slash', [...REQUEST, plain(':path', 'smuggled')]],
  ['two paths', [...REQUEST, root, plain(':path', '/smuggled')]],
  ['an unknown pseudo-header', [...REQUEST, root, plain(':smuggled', '1')]],
  ['a pseudo-header behind a field', [...REQUEST, plain('smuggled', '1'), root]],
  ['no path', [...REQUEST, plain('smuggled', '1')]],
  ['no method', [indexed(6), root, plain(':authority', 'a'), plain('smuggled', '1')]],
  [
    'CR LF in the method',
    [plain(':method', `GET / HTTP/1.1\r\n\r\n${SMUGGLED}`), indexed(6), root, plain(':authority', 'a')],
  ],
  ['space in the method', [plain(':method', 'GET /smuggled'), indexed(6), root, plain(':authority', 'a')]],
  ['CR LF in the authority', [indexed(2), indexed(6), root, plain(':authority', 'a\r\nsmuggled: 1')]],
  ['slash in the authority', [indexed(2), indexed(6), root, plain(':authority', 'a/smuggled')]],
  ['user in the authority', [indexed(2), indexed(6), root, plain(':authority', 'smuggled@a')]],
  ['another host', [...REQUEST, root, plain('host', 'smuggled')]],
  [
    'CR LF in the scheme',
    [indexed(2), plain(':scheme', 'http\r\nsmuggled: 1'), root, plain(':authority', 'a'), plain('smuggled', '1')],
  ],
]

describe('HTTP/2 to HTTP/1.1', () => {
  it.each(DOWNGRADED)('passes nothing on with %s', async (_, fields) => {
    const endpoint = await startRaw()
    const { port } = await startBefore(endpoint.port, 'http1')
    const attacker = await RawHttp2.connect(port)
    attacker.send(headers(1, Buffer.concat(fields)))
    await eventually(
      () =>
        attacker.frames.some(({ type, id }) => id === 1 && (type === Type.RST_STREAM || type === Type.HEADERS)) ||
        attacker.ended,
    )
    expect(await ask1(port, { path: '/other' })).toMatchObject({ status: 200 })
    expect(endpoint.heard()).toContain('GET /other HTTP/1.1\r\n')
    expect(endpoint.heard().toLowerCase()).not.toContain('smuggled')
  })

  it('sends no body whose head could not be written', async () => {
    const endpoint = await startRaw()
    const { port } = await startBefore(endpoint.port, 'http1')
    // There is a connection to send on at once.
    expect(await ask1(port)).toMatchObject({ status: 200 })
    const attacker = await RawHttp2.connect(port)
    const authority = plain(':authority', 'a:99999')
    const length = plain('content-length', String(SMUGGLED.length))
    attacker.send(
      headers(1, Buffer.concat([indexed(3), indexed(6), authority, root, length]), Flag.END_HEADERS),
      data(1, SMUGGLED, Flag.END_STREAM),
    )
    await eventually(
      () =>
        attacker.frames.some(({ type, id }) => id === 1 && (type === Type.RST_STREAM || type === Type.HEADERS)) ||
        attacker.ended,
    )
    expect(await ask1(port, { path: '/other' })).toMatchObject({ status: 200 })
    expect(endpoint.heard()).not.toContain('smuggled')
  })

  it.each([
    ['more', '5', `hello${SMUGGLED}`],
    ['less', '50', SMUGGLED],
  ])('never sends %s of a body than was announced on a connection that serves others', async (_, length, body) => {
    const endpoint = await startRaw()
    const { port } = await startBefore(endpoint.port, 'http1')
    const attacker = await RawHttp2.connect(port)
    attacker.send(
      headers(1, Buffer.concat([...REQUEST, root, plain('content-length', length)]), Flag.END_HEADERS),
      data(1, body, Flag.END_STREAM),
    )
    await eventually(
      () => attacker.frames.some(({ id, type }) => id === 1 && type === Type.RST_STREAM) || attacker.ended,
    )
    const answers = await Promise.all(Array.from({ length: 5 }, (_, i) => ask1(port, { path: `/other${i}` })))
    for (const { body: text } of answers) expect(text).toBe('ok')
    for (const connection of endpoint.heard().split('\n\n')) expect(connection).not.toMatch(/smuggled[^]*other/)
  })
})

describe('HTTP/1.1 to HTTP/2', () => {
  it('passes a request on as the one that it is', async () => {
    const seen: string[] = []
    const endpoint = await startHttp2((stream, head) => {
      seen.push(`${head[':method']} ${head[':path']} ${head[':authority']}`)
      for (const name of ['connection', 'transfer-encoding', 'keep-alive', 'upgrade', 'host', 'proxy-connection'])
        if (name in head) seen.push(`${name}!`)
      let body = ''
      stream.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
      stream.on('end', () => {
        stream.respond({ ':status': 200 })
        stream.end(`[${body}]`)
      })
    })
    const { port } = await startBefore(endpoint.port, 'h2')
    for (const [name, payload, expected, body = ''] of ACCEPTED) {
      if (/^(HEAD|get) |^OPTIONS|HTTP\/1.0/.test(payload)) continue
      seen.length = 0
      const socket = await dial(port)
      const answer = collect(socket)
      socket.write(Buffer.from(payload, 'latin1'))
      await eventually(() => answer().includes(']'))
      expect({ name, answer: /\[.*\]/.exec(answer())![0] }).toEqual({ name, answer: `[${body}]` })
      const [method, , authority, path] = expected.split(' ')
      expect({ name, seen }).toEqual({ name, seen: [`${method} ${path} ${authority}`] })
      socket.destroy()
    }
  }, 60_000)
})
