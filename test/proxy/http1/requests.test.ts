import { describe, expect, it } from 'vitest'
import { serve } from './recorded.js'

const get = (line: string, ...lines: string[]) => `${line}\r\n${lines.map((each) => `${each}\r\n`).join('')}\r\n`
const root = (...lines: string[]) => get('GET / HTTP/1.1', 'Host: a', ...lines)
const post = (...lines: string[]) => get('POST / HTTP/1.1', 'Host: a', ...lines)

/** Requests that are refused, with the status that their sender is told. */
const REFUSED: readonly (readonly [name: string, status: number, payload: string])[] = [
  // Framing that two readers could read differently.
  ['content-length and transfer-encoding', 400, post('Content-Length: 3', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['transfer-encoding and content-length', 400, post('Transfer-Encoding: chunked', 'Content-Length: 3') + '0\r\n\r\n'],
  ['the same content-length twice', 400, post('Content-Length: 3', 'Content-Length: 3') + 'abc'],
  ['two content-lengths', 400, post('Content-Length: 3', 'Content-Length: 4') + 'abcd'],
  ['a list of content-lengths', 400, post('Content-Length: 3, 3') + 'abc'],
  ['content-length with a sign', 400, post('Content-Length: +3') + 'abc'],
  ['negative content-length', 400, post('Content-Length: -1')],
  ['empty content-length', 400, post('Content-Length:')],
  ['hexadecimal content-length', 400, post('Content-Length: 0x3') + 'abc'],
  ['content-length with a fraction', 400, post('Content-Length: 3.0') + 'abc'],
  ['content-length with a space inside', 400, post('Content-Length: 1 2') + 'abc'],
  ['content-length beyond 64 bits', 400, post('Content-Length: 18446744073709551617') + 'a'],
  ['empty transfer-encoding', 400, post('Transfer-Encoding:')],
  ['empty transfer-encoding and content-length', 400, post('Transfer-Encoding:', 'Content-Length: 3') + 'abc'],
  ['transfer-encoding xchunked', 400, post('Transfer-Encoding: xchunked')],
  ['transfer-encoding in quotes', 400, post('Transfer-Encoding: "chunked"')],
  ['transfer-encoding with a parameter', 400, post('Transfer-Encoding: chunked;q=1')],
  ['transfer-encoding identity', 400, post('Transfer-Encoding: identity')],
  ['transfer-encoding gzip alone', 400, post('Transfer-Encoding: gzip')],
  ['chunked not last', 400, post('Transfer-Encoding: chunked, gzip')],
  ['chunked and identity', 400, post('Transfer-Encoding: chunked, identity')],
  ['chunked twice', 400, post('Transfer-Encoding: chunked, chunked')],
  ['chunked after nothing', 400, post('Transfer-Encoding: , chunked')],
  ['transfer-encoding twice', 400, post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['transfer-encoding twice, different', 400, post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')],
  ['a coding that is not supported', 501, post('Transfer-Encoding: gzip, chunked')],
  ['transfer-encoding in HTTP/1.0', 400, get('POST / HTTP/1.0', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  ['transfer_encoding', 400, post('Transfer_Encoding: chunked') + '0\r\n\r\n'],
  ['content_length', 400, post('Content_Length: 3') + 'abc'],
  ['TRACE with a body', 400, get('TRACE / HTTP/1.1', 'Host: a', 'Content-Length: 1') + 'a'],

  // Lines.
  ['folded field', 400, root('X: 1', ' 2')],
  ['folded field by a tab', 400, root('X: 1', '\t2')],
  ['folded first field', 400, get('GET / HTTP/1.1', ' Host: a')],
  ['folded transfer-encoding', 400, post('Transfer-Encoding:', ' chunked')],
  ['space before a colon', 400, root('X : 1')],
  ['tab before a colon', 400, root('Content-Length\t: 3')],
  ['empty name', 400, root(': 1')],
  ['no colon', 400, root('X')],
  ['NUL in a name', 400, root('X\0: 1')],
  ['8-bit name', 400, root('X\xe9: 1')],
  ['parenthesis in a name', 400, root('X(: 1')],
  ['NUL in a value', 400, root('X: a\0b')],
  ['DEL in a value', 400, root('X: a\x7fb')],
  ['escape in a value', 400, root('X: \x1b[2J')],
  ['bare CR in a value', 400, root('X: a\rb')],
  ['CR CR LF', 400, root('X: a\r')],
  ['bare LF after a field', 400, 'GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n'],
  ['bare LF as the last line', 400, 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
  ['bare LF after the request line', 400, 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['bare CR as the last line', 400, 'GET / HTTP/1.1\r\nHost: a\r\n\rX'],

  // Whom it is for.
  ['no host', 400, get('GET / HTTP/1.1')],
  ['two hosts', 400, root('Host: a')],
  ['two hosts, the second empty', 400, root('Host:')],
  ['empty host', 400, get('GET / HTTP/1.1', 'Host:')],
  ['host with a user', 400, get('GET / HTTP/1.1', 'Host: u@a')],
  ['host with a path', 400, get('GET / HTTP/1.1', 'Host: a/b')],
  ['host with a fragment', 400, get('GET / HTTP/1.1', 'Host: a#b')],
  ['host with a comma and a space', 400, get('GET / HTTP/1.1', 'Host: a, b')],
  ['host with a port that is none', 400, get('GET / HTTP/1.1', 'Host: a:b')],
  ['host with a port out of range', 400, get('GET / HTTP/1.1', 'Host: a:65536')],
  ['host with an open bracket', 400, get('GET / HTTP/1.1', 'Host: [::1')],
  ['8-bit host', 400, get('GET / HTTP/1.1', 'Host: \xe9')],
  ['two hosts in HTTP/1.0', 400, get('GET / HTTP/1.0', 'Host: a', 'Host: b')],
  ['absolute target without a host', 400, get('GET http:///x HTTP/1.1', 'Host: a')],
  ['absolute target with a user', 400, get('GET http://u@a/ HTTP/1.1', 'Host: a')],
  ['absolute target of another scheme', 400, get('GET ftp://a/ HTTP/1.1', 'Host: a')],
  ['absolute target without a host field', 400, get('GET http://a/ HTTP/1.1')],

  // The request line.
  ['fragment in the target', 400, get('GET /#x HTTP/1.1', 'Host: a')],
  ['8-bit target', 400, get('GET /\xe9 HTTP/1.1', 'Host: a')],
  ['NUL in the target', 400, get('GET /\0 HTTP/1.1', 'Host: a')],
  ['space in the target', 400, get('GET /a b HTTP/1.1', 'Host: a')],
  ['target that is no path', 400, get('GET x HTTP/1.1', 'Host: a')],
  ['* with GET', 400, get('GET * HTTP/1.1', 'Host: a')],
  ['authority as target of GET', 400, get('GET a:80 HTTP/1.1', 'Host: a')],
  ['CONNECT', 501, get('CONNECT a:80 HTTP/1.1', 'Host: a')],
  ['two spaces before the target', 400, get('GET  / HTTP/1.1', 'Host: a')],
  ['two spaces before the version', 400, get('GET /  HTTP/1.1', 'Host: a')],
  ['tab in the request line', 400, get('GET\t/ HTTP/1.1', 'Host: a')],
  ['space at the end of the request line', 400, get('GET / HTTP/1.1 ', 'Host: a')],
  ['space before the method', 400, get(' GET / HTTP/1.1', 'Host: a')],
  ['method that is no token', 400, get('G@T / HTTP/1.1', 'Host: a')],
  ['no version (HTTP/0.9)', 400, 'GET /\r\n\r\n'],
  ['HTTP/1.2', 400, get('GET / HTTP/1.2', 'Host: a')],
  ['HTTP/1.10', 400, get('GET / HTTP/1.10', 'Host: a')],
  ['HTTP/2.0 as text', 505, get('GET / HTTP/2.0', 'Host: a')],
  ['HTTP/0.9 as text', 505, get('GET / HTTP/0.9', 'Host: a')],
  ['http/1.1 in lower case', 400, get('GET / http/1.1', 'Host: a')],
  ['another protocol', 400, get('GET / ICAP/1.0', 'Host: a')],
  ['two empty lines first', 400, '\r\n\r\n' + root()],
  ['TLS', 400, '\x16\x03\x01\x02\x00\x01\x00\x01'],

  // Chunks.
  ['chunk size that is none', 400, post('Transfer-Encoding: chunked') + 'g\r\nabc'],
  ['empty chunk size', 400, post('Transfer-Encoding: chunked') + '\r\nabc'],
  ['chunk size with 0x', 400, post('Transfer-Encoding: chunked') + '0x3\r\nabc\r\n0\r\n\r\n'],
  ['chunk size with a sign', 400, post('Transfer-Encoding: chunked') + '+3\r\nabc\r\n0\r\n\r\n'],
  ['negative chunk size', 400, post('Transfer-Encoding: chunked') + '-3\r\nabc\r\n0\r\n\r\n'],
  ['chunk size with a space', 400, post('Transfer-Encoding: chunked') + '3 \r\nabc\r\n0\r\n\r\n'],
  ['chunk size beyond 64 bits', 400, post('Transfer-Encoding: chunked') + '10000000000000003\r\nabc\r\n0\r\n\r\n'],
  ['chunk size with an underscore', 400, post('Transfer-Encoding: chunked') + '1_0\r\nabc\r\n0\r\n\r\n'],
  ['bare LF after a chunk size', 400, post('Transfer-Encoding: chunked') + '3\nabc\r\n0\r\n\r\n'],
  ['bare CR after a chunk size', 400, post('Transfer-Encoding: chunked') + '3\rabc\r\n0\r\n\r\n'],
  ['bare LF in a chunk extension', 400, post('Transfer-Encoding: chunked') + '3;a\nabc\r\n0\r\n\r\n'],
  ['NUL in a chunk extension', 400, post('Transfer-Encoding: chunked') + '3;\0\r\nabc\r\n0\r\n\r\n'],
  ['endless chunk extension', 400, post('Transfer-Encoding: chunked') + `3;${'a'.repeat(5000)}\r\nabc\r\n0\r\n\r\n`],
  ['chunk longer than its size', 400, post('Transfer-Encoding: chunked') + '3\r\nabcd\r\n0\r\n\r\n'],
  ['bare LF after a chunk', 400, post('Transfer-Encoding: chunked') + '3\r\nabc\n0\r\n\r\n'],
  ['content-length in trailers', 400, post('Transfer-Encoding: chunked') + '0\r\nContent-Length: 3\r\n\r\n'],
  [
    'transfer-encoding in trailers',
    400,
    post('Transfer-Encoding: chunked') + '0\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
  ['host in trailers', 400, post('Transfer-Encoding: chunked') + '0\r\nHost: b\r\n\r\n'],
  ['folded trailer', 400, post('Transfer-Encoding: chunked') + '0\r\nX: 1\r\n 2\r\n\r\n'],

  // Limits and expectations.
  ['another expectation', 417, post('Expect: 200-ok', 'Content-Length: 1') + 'a'],
  ['connection option that is no token', 400, root('Connection: a b')],
  ['too many fields', 431, root(...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`))],
  ['one field too large', 431, root(`X: ${'a'.repeat(40_000)}`)],
  ['fields too large together', 431, root(...Array.from({ length: 90 }, () => `X: ${'a'.repeat(400)}`))],
  ['a field that never ends', 431, `GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}`],
  ['a target too long', 414, get(`GET /${'a'.repeat(40_000)} HTTP/1.1`, 'Host: a')],
  ['a target that never ends', 414, `GET /${'a'.repeat(40_000)}`],
  ['a method that never ends', 414, 'G'.repeat(40_000)],
  ['trailers too large', 431, post('Transfer-Encoding: chunked') + `0\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`],
]

describe('requests that are refused', () => {
  it.each(REFUSED)('%s: %i', async (_, status, payload) => {
    // What follows must not be taken for another request.
    const smuggled = payload + 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
    const whole = await serve(smuggled)
    expect(whole.wire.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(whole.wire.text).toContain('connection: close\r\n')
    expect(whole.wire.state).toBe('ended')
    expect(whole.faults).toHaveLength(1)
    expect(whole.requests.filter(({ ended }) => ended)).toEqual([])
    const cut = await serve(smuggled, payload.length > 5000 ? 1000 : 1)
    expect(cut.wire.text).toBe(whole.wire.text)
    expect(cut.faults).toEqual(whole.faults)
  })
})

/** Requests that are let through, with the fields and the body that the next hop gets. */
const ACCEPTED: readonly (readonly [
  name: string,
  payload: string,
  fields: string,
  body?: string,
  trailers?: string,
])[] = [
  ['a plain request', root(), 'GET http a /'],
  ['an empty line first', '\r\n' + root(), 'GET http a /'],
  ['a method of its own', get('PATCH /x HTTP/1.1', 'Host: a'), 'PATCH http a /x'],
  ['a method in lower case', get('get /x HTTP/1.1', 'Host: a'), 'get http a /x'],
  ['names in any case, values trimmed', root('X-A: \t b c \t', 'X-B:'), 'GET http a / x-a=b c x-b='],
  ['8-bit values', root('X: \xe9'), 'GET http a / x=\xe9'],
  ['IPv6 host', get('GET / HTTP/1.1', 'Host: [::1]:8080'), 'GET http [::1]:8080 /'],
  ['absolute target', get('GET http://b:1/c?d HTTP/1.1', 'Host: a'), 'GET http b:1 /c?d'],
  ['absolute target without a path', get('GET HTTP://b HTTP/1.1', 'Host: a'), 'GET http b /'],
  ['absolute target with a query only', get('GET http://b?x HTTP/1.1', 'Host: a'), 'GET http b /?x'],
  ['OPTIONS *', get('OPTIONS * HTTP/1.1', 'Host: a'), 'OPTIONS http a *'],
  ['OPTIONS of a whole server', get('OPTIONS http://b HTTP/1.1', 'Host: a'), 'OPTIONS http b *'],
  ['HTTP/1.0 without a host', get('GET / HTTP/1.0'), 'GET http /'],
  ['Expect in HTTP/1.0', get('GET / HTTP/1.0', 'Expect: whatever'), 'GET http /'],
  ['content-length with zeros in front', post('Content-Length: 0002') + 'ab', 'POST http a / content-length=2', 'ab'],
  ['content-length of zeros', post('Content-Length: 00'), 'POST http a / content-length=0'],
  ['GET with a body', root('Content-Length: 2') + 'ab', 'GET http a / content-length=2', 'ab'],
  [
    'HEAD with a body',
    get('HEAD / HTTP/1.1', 'Host: a', 'Content-Length: 1') + 'b',
    'HEAD http a / content-length=1',
    'b',
  ],
  [
    'chunks',
    post('Transfer-Encoding: CHUNKED') + '3\r\nabc\r\n0A;x="y"\r\n0123456789\r\n00\r\n\r\n',
    'POST http a /',
    'abc0123456789',
  ],
  [
    'trailers, without those that belong in front',
    post('Transfer-Encoding: chunked') +
      '0\r\nX-A: 1\r\nAuthorization: x\r\nX-Forwarded-For: y\r\nConnection: z\r\n\r\n',
    'POST http a /',
    '',
    'x-a=1',
  ],
  [
    'hop-by-hop fields',
    root('Connection: x-a, close', 'X-A: 1', 'Keep-Alive: 1', 'Proxy-Connection: x', 'X-B: 2'),
    'GET http a / x-b=2',
  ],
  [
    'connection naming what it may not',
    root('Connection: host, content-length, cookie, via', 'Cookie: c', 'Via: v'),
    'GET http a / cookie=c via=v',
  ],
  ['te', root('TE: gzip;q=0.5, Trailers', 'X: y'), 'GET http a / te=trailers x=y'],
  ['te of codings', root('TE: gzip, x-trailers'), 'GET http a /'],
  ['upgrade without the option', root('Upgrade: websocket'), 'GET http a /'],
  [
    'h2c',
    root('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    'GET http a /',
  ],
  [
    'upgrade with a body',
    post('Connection: upgrade', 'Upgrade: websocket', 'Content-Length: 1') + 'a',
    'POST http a / content-length=1',
    'a',
  ],
  [
    'words about the client',
    root('X-Forwarded-For: a', 'Forwarded: for=b', 'X-Real-IP: c', 'X-Forwarded-Host: d'),
    'GET http a /',
  ],
  ['underscores', root('x_forwarded_for: a', 'x_my_field: b'), 'GET http a / x_my_field=b'],
]

describe('requests that are let through', () => {
  for (const [name, payload, expected, body = '', trailers] of ACCEPTED)
    it(name, async () => {
      const inOnePiece = await serve(payload + root('Connection: close', 'X-Next: 1'))
      const first = inOnePiece.requests[0]!
      expect(summary(first.fields)).toBe(expected)
      expect(first.body).toBe(body)
      expect(first.trailers && summary(first.trailers)).toBe(trailers)
      expect(inOnePiece.faults).toEqual([])
      expect(inOnePiece.wire.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      const byteByByte = await serve(payload, 1)
      expect(byteByByte.requests[0]).toEqual({ ...first, onEnd: expect.any(Function) as () => void })
      expect(byteByByte.requests[0]!.ended).toBe(true)
    })

  it('keeps what a trusted client says of others', async () => {
    const { requests } = await serve(root('X-Forwarded-For: a', 'x_forwarded_for: b'), Infinity, { trusted: true })
    expect(summary(requests[0]!.fields)).toBe('GET http a / x-forwarded-for=a')
  })
})

function summary(fields: readonly string[]): string {
  return fields.map((field) => field.replace(/^:[a-z]+: /, '').replace(/^([^:]+): /, '$1=')).join(' ')
}
