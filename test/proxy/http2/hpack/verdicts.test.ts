import { describe, expect, it } from 'vitest'
import { FieldCursor } from '../../../../src/core/proxy/http/field-cursor.js'
import { Method } from '../../../../src/core/proxy/http/head.js'
import { Role, Verdict } from '../../../../src/core/proxy/http2/hpack/decoder.js'
import { GET, indexed, inserted, never, plain, resized, text } from '../../../support/hpack-literals.js'
import { hex, TestDecoder } from './test-decoder.js'

const join = (...parts: Buffer[]) => Buffer.concat(parts)
const OK_RESPONSE = indexed(8)

function verdict(block: Buffer, role: 0 | 1 | 2 = Role.REQUEST): number {
  return new TestDecoder().decode(block, role).verdict
}

describe('compression errors', () => {
  it.each([
    ['index 0', indexed(0)],
    ['an index beyond the static table with an empty dynamic one', indexed(62)],
    ['a name index beyond the table', plain(62, 'v')],
    ['a table size beyond the limit', join(resized(4097), GET)],
    ['a table size behind a field', join(GET, resized(0))],
    ['an integer cut short', hex('ff80')],
    ['an integer of six octets', hex('ff808080808000')],
    ['an integer beyond all sense', hex('ffffffffff07')],
    ['a name cut short', hex('00056162')],
    ['a name without a length', hex('00')],
    ['a value cut short', hex('000161056263')],
    ['a value without a length', hex('000161')],
    ['a value with 8 bits of padding', hex('04 82 63 ff')],
    ['a value padded with zeros', hex('04 81 60')],
    ['a value with EOS in it', hex('04 84 ffffffff')],
    ['a name that does not decode', hex('00 82 ffff 00')],
  ])('%s', (_, block) => {
    expect(verdict(block)).toBe(Verdict.COMPRESSION_ERROR)
  })
})

describe('malformed requests', () => {
  const [method, scheme, path] = [indexed(2), indexed(6), indexed(4)]
  const authority = plain(1, 'a')
  it.each([
    ['no method', join(scheme, path, authority)],
    ['no scheme', join(method, path, authority)],
    ['no path', join(method, scheme, authority)],
    ['no authority', join(method, scheme, path)],
    ['an empty path', join(method, scheme, plain(4, ''), authority)],
    ['an empty authority', join(method, scheme, path, plain(1, ''))],
    ['an empty host', join(method, scheme, path, plain('host', ''))],
    ['a path that is no path', join(method, scheme, plain(4, 'http://a/'), authority)],
    ['a path with a space', join(method, scheme, plain(4, '/a b'), authority)],
    ['a path with a fragment', join(method, scheme, plain(4, '/a#b'), authority)],
    ['a path of 8 bits', join(method, scheme, plain(4, '/\xe9'), authority)],
    ['* with GET', join(method, scheme, plain(4, '*'), authority)],
    ['a method with a space', join(plain(2, 'GET /'), scheme, path, authority)],
    ['an empty method', join(plain(2, ''), scheme, path, authority)],
    ['a scheme that is none', join(method, plain(6, 'ht tp'), path, authority)],
    ['user information', join(method, scheme, path, plain(1, 'me@a'))],
    ['an authority with a path', join(method, scheme, path, plain(1, 'a/b'))],
    ['a host other than its authority', join(GET, plain('host', 'b'))],
    ['two hosts', join(method, scheme, path, plain('host', 'a'), plain('host', 'b'))],
    ['a method twice', join(method, GET)],
    ['an authority twice', join(GET, authority)],
    ['a pseudo-header field behind others', join(method, scheme, plain('x-a', 'b'), path, authority)],
    ['an unknown pseudo-header field', join(GET, plain(':unknown', 'x'))],
    [':protocol, which we do not allow', join(GET, plain(':protocol', 'websocket'))],
    [':status', join(GET, indexed(8))],
    ['CONNECT with a path', join(plain(2, 'CONNECT'), scheme, path, authority)],
    ['CONNECT without an authority', plain(2, 'CONNECT')],
    ['connection', join(GET, plain('connection', 'close'))],
    ['keep-alive', join(GET, plain('keep-alive', 'timeout=5'))],
    ['proxy-connection', join(GET, plain('proxy-connection', 'close'))],
    ['transfer-encoding', join(GET, plain('transfer-encoding', 'chunked'))],
    ['transfer-encoding by its index', join(GET, indexed(57))],
    ['upgrade', join(GET, plain('upgrade', 'h2c'))],
    ['te other than trailers', join(GET, plain('te', 'trailers, deflate'))],
    ['content-length twice', join(GET, plain(28, '1'), plain(28, '1'))],
    ['content-length that is no number', join(GET, plain(28, '1,1'))],
    ['content-length with a sign', join(GET, plain(28, '+1'))],
    ['an upper-case name', join(GET, plain('X-A', 'b'))],
    ['an empty name', join(GET, plain('', 'b'))],
    ['a colon in a name', join(GET, plain('x:a', 'b'))],
    ['a line feed in a value', join(GET, plain('x-a', 'b\r\nc: d'))],
    ['a NUL in a value', join(GET, plain('x-a', 'b\0'))],
    ['a space before a value', join(GET, plain('x-a', ' b'))],
    ['a tab behind a value', join(GET, plain('x-a', 'b\t'))],
    ['a Huffman-coded space at the edge', join(GET, hex('00 01 61 81 53'))],
    ['a Huffman-coded line feed', join(GET, hex('00 01 61 84 fffffff3'))],
  ])('%s', (_, block) => {
    expect(verdict(block)).toBe(Verdict.MALFORMED)
  })
})

describe('malformed responses and trailers', () => {
  it.each([
    ['a response without a status', Role.RESPONSE, plain('x-a', 'b')],
    ['a status twice', Role.RESPONSE, join(OK_RESPONSE, OK_RESPONSE)],
    ['a status of two digits', Role.RESPONSE, plain(8, '20')],
    ['a status beyond 599', Role.RESPONSE, plain(8, '600')],
    ['a status of 101', Role.RESPONSE, plain(8, '101')],
    ['a method in a response', Role.RESPONSE, join(OK_RESPONSE, indexed(2))],
    ['connection in a response', Role.RESPONSE, join(OK_RESPONSE, plain('connection', 'close'))],
    ['te in a response', Role.RESPONSE, join(OK_RESPONSE, plain('te', 'trailers'))],
    ['a pseudo-header field in trailers', Role.TRAILERS, OK_RESPONSE],
    ['transfer-encoding in trailers', Role.TRAILERS, plain('transfer-encoding', 'chunked')],
  ] as const)('%s', (_, role, block) => {
    expect(verdict(block, role)).toBe(Verdict.MALFORMED)
  })
})

describe('what is accepted', () => {
  it.each([
    ['a plain request', GET],
    ['CONNECT', join(plain(2, 'CONNECT'), plain(1, 'a:443'))],
    ['OPTIONS *', join(plain(2, 'OPTIONS'), indexed(6), plain(4, '*'), plain(1, 'a'))],
    ['an IPv6 authority', join(indexed(2), indexed(6), indexed(4), plain(1, '[::1]:80'))],
    ['te: trailers', join(GET, plain('te', 'trailers'))],
    ['no authority for a scheme that needs none', join(indexed(2), plain(6, 'urn'), indexed(4))],
    ['an empty value', join(GET, plain('x-a', ''))],
    ['8-bit octets and tabs inside a value', join(GET, plain('x-a', 'caf\xe9\tau lait'))],
    ['several size updates in front', join(resized(0), resized(4096), GET)],
    ['an empty literal, Huffman-coded', join(GET, hex('00 01 61 80'))],
  ])('%s', (_, block) => {
    expect(new TestDecoder().decode(block)).toMatchObject({ reason: '', verdict: Verdict.OK })
  })

  it('an authority made of host, in front', () => {
    const block = join(indexed(2), indexed(6), indexed(4), plain('x-a', 'b'), plain('host', 'example.com'))
    expect(new TestDecoder().fields(block)).toEqual([
      [':authority', 'example.com'],
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      ['x-a', 'b'],
    ])
  })

  it('a host that agrees, which is dropped', () => {
    expect(new TestDecoder().fields(join(GET, plain('host', 'A')))).toEqual(new TestDecoder().fields(GET))
  })

  it('a host from the dynamic table, in each request anew', () => {
    const decoder = new TestDecoder()
    const pseudo = join(indexed(2), indexed(6), indexed(4))
    const first = decoder.fields(join(pseudo, inserted(38, 'example.com')))
    expect(first[0]).toEqual([':authority', 'example.com'])
    expect(decoder.fields(join(pseudo, indexed(62)))).toEqual(first)
  })
})

describe('facts', () => {
  it('of a gRPC request', () => {
    const block = join(
      indexed(3),
      indexed(6),
      plain(4, '/a.B/C'),
      plain(1, 'a'),
      plain('content-type', 'application/grpc+proto'),
      plain('grpc-timeout', '250m'),
    )
    const { head } = new TestDecoder().decode(block)
    expect(head).toMatchObject({ method: Method.POST, isGrpc: true, timeoutMs: 250, contentLength: -1 })
  })

  it('of an HTTP request', () => {
    const block = join(
      plain(2, 'PUT'),
      indexed(6),
      indexed(4),
      plain(1, 'a'),
      plain(28, '12'),
      plain(35, '100-continue'),
    )
    const { head } = new TestDecoder().decode(block)
    expect(head).toMatchObject({ method: Method.PUT, isGrpc: false, contentLength: 12, expectsContinue: true })
  })

  it('of responses and trailers', () => {
    const decoder = new TestDecoder()
    const response = join(plain(8, '418'), plain(28, '7'))
    expect(decoder.decode(response, Role.RESPONSE).head).toMatchObject({
      status: 418,
      contentLength: 7,
      grpcStatus: -1,
    })
    expect(decoder.decode(plain('grpc-status', '14'), Role.TRAILERS).head).toMatchObject({ grpcStatus: 14 })
    expect(decoder.decode(plain('grpc-status', 'x'), Role.TRAILERS).head).toMatchObject({ grpcStatus: -1 })
  })

  it('of fields in the dynamic table', () => {
    const decoder = new TestDecoder()
    decoder.decode(join(GET, inserted('grpc-timeout', '5S'), inserted('content-type', 'application/grpc')))
    const { head } = decoder.decode(join(GET, indexed(62), indexed(63)))
    expect(head).toMatchObject({ isGrpc: true, timeoutMs: 5000 })
  })
})

describe('fields that do not pass', () => {
  const forwarded = ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip'].map((name) => plain(name, 'x'))

  it('are what an untrusted client says of itself', () => {
    expect(new TestDecoder().fields(join(GET, ...forwarded))).toEqual(new TestDecoder().fields(GET))
    expect(new TestDecoder({}, true).fields(join(GET, ...forwarded))).toHaveLength(8)
  })

  it('are message framing and credentials in trailers', () => {
    const dropped = ['content-length', 'host', 'authorization', 'set-cookie', 'cookie', 'expect', 'forwarded']
    const trailers = join(...dropped.map((name) => plain(name, '1')), plain('grpc-message', 'x'), plain('x-a', 'b'))
    expect(new TestDecoder().fields(trailers, Role.TRAILERS)).toEqual([
      ['grpc-message', 'x'],
      ['x-a', 'b'],
    ])
  })
})

describe('never-indexed fields', () => {
  it('stay so, and credentials become so', () => {
    const { head } = new TestDecoder().decode(
      join(GET, never('x-secret', '1'), plain('x-a', '2'), inserted('authorization', '3'), indexed(62)),
    )
    const cursor = new FieldCursor().at(head.block, head.length)
    const seen: [string, boolean][] = []
    while (cursor.next()) {
      if (!cursor.name.startsWith(':')) seen.push([cursor.name, (head.block[cursor.start]! & 0xf0) === 0x10])
    }
    expect(seen).toEqual([
      ['x-secret', true],
      ['x-a', false],
      ['authorization', true],
      ['authorization', true],
    ])
  })
})

describe('limits', () => {
  it('count every field, crumbs of a cookie too', () => {
    const crumbs = (count: number) => join(GET, ...Array.from({ length: count }, () => plain(32, 'a')))
    const decode = (count: number) => new TestDecoder({ maxHeadFields: 20 }).decode(crumbs(count)).verdict
    expect(decode(16)).toBe(Verdict.OK)
    expect(decode(17)).toBe(Verdict.TOO_LARGE)
  })

  it('count decoded octets and 32 per field, dropped ones too', () => {
    const decode = (maxHeadBytes: number) =>
      new TestDecoder({ maxHeadBytes }).decode(join(GET, plain('x-forwarded-for', '1'.repeat(100)))).verdict
    const size = 7 + 3 + 32 + (7 + 4 + 32) + (5 + 1 + 32) + (10 + 1 + 32) + (15 + 100 + 32)
    expect(decode(size)).toBe(Verdict.OK)
    expect(decode(size - 1)).toBe(Verdict.TOO_LARGE)
  })

  it('hold against one large field referred to again and again', () => {
    const decoder = new TestDecoder()
    decoder.decode(join(GET, inserted('x-big', 'b'.repeat(4000))))
    const bomb = decoder.decode(join(GET, ...Array.from({ length: 5000 }, () => indexed(62))))
    expect(bomb.verdict).toBe(Verdict.TOO_LARGE)
    expect(bomb.head.length).toBeLessThan(40_000)
  })
})

describe('the dynamic table', () => {
  it.each([
    ['a malformed section', join(GET, plain('X', 'y'), inserted('x-a', 'b')), {}],
    ['a malformed field', join(GET, inserted('X', 'y'), inserted('x-a', 'b')), {}],
    [
      'too many fields',
      join(GET, ...Array.from({ length: 30 }, () => plain('x', 'y')), inserted('x-a', 'b')),
      { maxHeadFields: 9 },
    ],
    ['too large a section', join(GET, plain('x', 'y'.repeat(999)), inserted('x-a', 'b')), { maxHeadBytes: 600 }],
    ['a dropped field', join(GET, plain('host', 'a'), inserted('x-forwarded-for', 'c'), inserted('x-a', 'b')), {}],
  ])('holds what was added in %s', (_, block, limits) => {
    const decoder = new TestDecoder(limits)
    decoder.decode(block)
    expect(decoder.fields(join(GET, indexed(62))).at(-1)).toEqual(['x-a', 'b'])
  })

  it('makes a message malformed that refers to a malformed field, and only that', () => {
    const decoder = new TestDecoder()
    expect(decoder.decode(join(GET, inserted('X', 'y'))).verdict).toBe(Verdict.MALFORMED)
    expect(decoder.decode(join(GET, indexed(62))).verdict).toBe(Verdict.MALFORMED)
    expect(decoder.decode(join(GET, plain(62, 'z'))).verdict).toBe(Verdict.MALFORMED)
    expect(decoder.decode(GET).verdict).toBe(Verdict.OK)
  })

  it('is emptied by a field larger than it, and by a size of 0', () => {
    for (const block of [join(GET, inserted('x-a', 'b'.repeat(4062))), join(resized(0), GET)]) {
      const decoder = new TestDecoder()
      decoder.fields(join(GET, inserted('x-a', 'b')))
      decoder.fields(block)
      expect(decoder.decode(join(GET, indexed(62))).verdict).toBe(Verdict.COMPRESSION_ERROR)
    }
  })

  it('holds as many fields as their sizes allow', () => {
    const decoder = new TestDecoder()
    const size = 'x-000'.length + 27 + 32
    for (let i = 0; i < 300; i++)
      decoder.fields(join(GET, inserted(`x-${String(i).padStart(3, '0')}`, String(i).padStart(27, '.'))))
    const kept = Math.floor(4096 / size)
    for (let age = 0; age < kept; age++)
      expect(decoder.fields(join(GET, indexed(62 + age))).at(-1)?.[1]).toBe(String(299 - age).padStart(27, '.'))
    expect(decoder.decode(join(GET, indexed(62 + kept))).verdict).toBe(Verdict.COMPRESSION_ERROR)
  })

  it('keeps a field whose Huffman code is longer than what it stands for', () => {
    const decoder = new TestDecoder()
    // `<` has 15 bits: ten octets for five.
    const value = '<'.repeat(5)
    const bits = '111111111111100'.repeat(5).padEnd(80, '1')
    const coded = Buffer.from(bits.match(/.{8}/g)!.map((octet) => parseInt(octet, 2)))
    const block = join(GET, Buffer.of(0x40), text('x-a'), Buffer.of(0x80 | coded.length), coded)
    expect(decoder.fields(block).at(-1)).toEqual(['x-a', value])
    expect(decoder.fields(join(GET, indexed(62))).at(-1)).toEqual(['x-a', value])
  })
})
