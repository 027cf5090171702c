import { describe, expect, it } from 'vitest'
import type { Head } from '../../../src/core/proxy/http/head.js'
import { answer, GET, makeHead } from './recorded.js'

const of = (line: string, ...lines: string[]) => `${line}\r\n${lines.map((each) => `${each}\r\n`).join('')}\r\n`
const ok = (...lines: string[]) => of('HTTP/1.1 200 OK', ...lines)
const PSEUDO = [
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
] as const
const HEAD = makeHead([[':method', 'HEAD'], ...PSEUDO], { method: 2 })
const UPGRADE = makeHead([[':method', 'GET'], ...PSEUDO], { method: 1, upgrade: 'websocket' })

/** Responses that nobody gets to see. */
const REFUSED: readonly (readonly [name: string, payload: string, request?: Head])[] = [
  ['content-length and transfer-encoding', ok('Content-Length: 1', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['two content-lengths', ok('Content-Length: 1', 'Content-Length: 2') + 'ab'],
  ['the same content-length twice', ok('Content-Length: 1', 'Content-Length: 1') + 'a'],
  ['content-length that is no number', ok('Content-Length: 1a') + 'a'],
  ['negative content-length', ok('Content-Length: -1')],
  ['a coding besides chunked', ok('Transfer-Encoding: gzip, chunked') + '0\r\n\r\n'],
  ['a coding other than chunked', ok('Transfer-Encoding: gzip')],
  ['transfer-encoding in HTTP/1.0', of('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['transfer-encoding in a 204', of('HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['transfer-encoding in a 100', of('HTTP/1.1 100 Continue', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['folded field', ok('X: 1', ' 2')],
  ['space before a colon', ok('X : 1')],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['bare LF after a field', 'HTTP/1.1 200 OK\r\nX: 1\n\r\n'],
  ['NUL in a value', ok('X: a\0b')],
  ['NUL in the reason', of('HTTP/1.1 200 O\0K')],
  ['another protocol', of('ICY 200 OK')],
  ['HTTP/2.0', of('HTTP/2.0 200 OK')],
  ['HTTP/1.2', of('HTTP/1.2 200 OK')],
  ['status of two digits', of('HTTP/1.1 20 OK')],
  ['status of four digits', of('HTTP/1.1 2000 OK')],
  ['status that is no number', of('HTTP/1.1 2x0 OK')],
  ['status 099', of('HTTP/1.1 099 OK')],
  ['status 600', of('HTTP/1.1 600 OK')],
  ['two spaces', of('HTTP/1.1  200 OK')],
  ['switching protocols unasked', of('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: websocket')],
  ['switching protocols to nothing', of('HTTP/1.1 101 Switching Protocols'), UPGRADE],
  ['a flood of interim responses', of('HTTP/1.1 103 Early Hints').repeat(33) + ok('Content-Length: 0')],
  ['too many fields', ok(...Array.from({ length: 101 }, () => 'X: 1'))],
  ['fields too large', ok(`X: ${'a'.repeat(40_000)}`)],
]

describe('responses that are refused', () => {
  for (const [name, payload, request = GET] of REFUSED)
    it(name, async () => {
      for (const size of [Infinity, payload.length > 5000 ? 1000 : 1]) {
        const response = await answer(payload, { size, request })
        expect(response.status).toBe(0)
        expect(response.broken).not.toBe('')
        expect(response.processed).toBe('yes')
        expect(response.available).toBe(0)
        expect(response.wire.state).toBe('closed')
      }
    })

  it.each([
    ['chunk size that is none', ok('Transfer-Encoding: chunked') + 'x\r\n'],
    ['chunk longer than its size', ok('Transfer-Encoding: chunked') + '1\r\nab\r\n0\r\n\r\n'],
    ['content-length in trailers', ok('Transfer-Encoding: chunked') + '0\r\nContent-Length: 1\r\n\r\n'],
  ])('%s, within the body', async (_, payload) => {
    for (const size of [Infinity, 1]) {
      const response = await answer(payload, { size })
      expect(response).toMatchObject({ status: 200, ended: false, processed: 'yes', available: 0 })
    }
  })

  it.each([
    ['content-length', ok('Content-Length: 5') + 'abc'],
    ['chunks', ok('Transfer-Encoding: chunked') + '5\r\nabc'],
    ['chunks without the last', ok('Transfer-Encoding: chunked') + '3\r\nabc\r\n'],
    ['chunks without the last line', ok('Transfer-Encoding: chunked') + '3\r\nabc\r\n0\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
  ])('a connection that ends within %s', async (_, payload) => {
    const response = await answer(payload, { closes: true })
    expect(response).toMatchObject({ ended: false, processed: 'yes', available: 0 })
  })
})

interface Seen {
  readonly status: number
  readonly body: string
  readonly fields?: readonly string[]
  readonly trailers?: readonly string[]
  readonly interim?: readonly number[]
  /** Whether the connection can take another request. */
  readonly available: number
  readonly ended: boolean
}

/** Responses that arrive, and whether the connection serves another. */
const ACCEPTED: readonly (readonly [name: string, payload: string, seen: Seen, request?: Head])[] = [
  [
    'content-length',
    ok('Content-Length: 003') + 'abc',
    { status: 200, body: 'abc', fields: [':status: 200', 'content-length: 3'], available: 1, ended: true },
  ],
  ['no reason', of('HTTP/1.1 200 ', 'Content-Length: 0'), { status: 200, body: '', available: 1, ended: true }],
  [
    'no reason and no space',
    of('HTTP/1.1 200', 'Content-Length: 0'),
    { status: 200, body: '', available: 1, ended: true },
  ],
  ['8-bit reason', of('HTTP/1.1 500 \xe9', 'Content-Length: 0'), { status: 500, body: '', available: 1, ended: true }],
  [
    'chunks and trailers',
    ok('Transfer-Encoding: chunked') + '3\r\nabc\r\n0\r\nX: 1\r\n\r\n',
    { status: 200, body: 'abc', trailers: ['x: 1'], available: 1, ended: true },
  ],
  [
    'chunks',
    ok('Transfer-Encoding: chunked') + '3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n',
    { status: 200, body: 'abcd', available: 1, ended: true },
  ],
  [
    'hop-by-hop fields',
    ok('Connection: x, keep-alive', 'X: 1', 'Keep-Alive: 5', 'Content-Length: 0'),
    { status: 200, body: '', fields: [':status: 200', 'content-length: 0'], available: 1, ended: true },
  ],
  ['close', ok('Connection: close', 'Content-Length: 1') + 'a', { status: 200, body: 'a', available: 0, ended: true }],
  ['HTTP/1.0', of('HTTP/1.0 200 OK', 'Content-Length: 1') + 'a', { status: 200, body: 'a', available: 0, ended: true }],
  [
    'HTTP/1.0 kept',
    of('HTTP/1.0 200 OK', 'Content-Length: 1', 'Connection: keep-alive') + 'a',
    { status: 200, body: 'a', available: 1, ended: true },
  ],
  ['until the connection ends', ok() + 'abc', { status: 200, body: 'abc', available: 0, ended: true }],
  [
    'HEAD',
    ok('Content-Length: 5'),
    { status: 200, body: '', fields: [':status: 200', 'content-length: 5'], available: 1, ended: true },
    HEAD,
  ],
  [
    'HEAD with chunks announced',
    ok('Transfer-Encoding: chunked'),
    { status: 200, body: '', available: 1, ended: true },
    HEAD,
  ],
  ['204', of('HTTP/1.1 204 No Content'), { status: 204, body: '', available: 1, ended: true }],
  [
    '204 with a length of 0',
    of('HTTP/1.1 204 No Content', 'Content-Length: 0'),
    { status: 204, body: '', fields: [':status: 204'], available: 1, ended: true },
  ],
  [
    '204 with a length',
    of('HTTP/1.1 204 No Content', 'Content-Length: 5'),
    { status: 204, body: '', available: 0, ended: true },
  ],
  [
    '304 with a length',
    of('HTTP/1.1 304 Not Modified', 'Content-Length: 5'),
    { status: 304, body: '', available: 1, ended: true },
  ],
  [
    'interim responses first',
    of('HTTP/1.1 100 Continue') + of('HTTP/1.1 103 Early Hints', 'Link: </a>') + ok('Content-Length: 0'),
    { status: 200, body: '', interim: [100, 103], available: 1, ended: true },
  ],
  ['bytes after the response', ok('Content-Length: 1') + 'ab', { status: 200, body: 'a', available: 0, ended: true }],
  [
    'another response after it',
    ok('Content-Length: 1') + 'a' + ok('Content-Length: 0'),
    { status: 200, body: 'a', available: 0, ended: true },
  ],
  ['a body in a HEAD', ok('Content-Length: 1') + 'a', { status: 200, body: '', available: 0, ended: true }, HEAD],
  ['upgrade declined', ok('Content-Length: 1') + 'a', { status: 200, body: 'a', available: 1, ended: true }, UPGRADE],
  [
    'upgrade',
    of('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: websocket') + 'hello',
    { status: 101, body: 'hello', available: 0, ended: true },
    UPGRADE,
  ],
]

describe('responses that arrive', () => {
  for (const [name, payload, seen, request = GET] of ACCEPTED)
    it(name, async () => {
      const closes = seen.available === 0
      for (const size of [Infinity, 1, 7]) {
        const response = await answer(payload, { size, request, closes })
        expect(response.broken).toBe(undefined)
        expect(response).toMatchObject(seen)
      }
    })
})
