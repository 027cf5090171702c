import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../../src/core/proxy/http/environment.js'
import { encodeFields } from '../../../../src/core/proxy/http/field-block.js'
import { Head } from '../../../../src/core/proxy/http/head.js'
import { HpackDecoder, Role, type RoleCode, Verdict } from '../../../../src/core/proxy/http2/hpack/decoder.js'
import { rememberedBytes } from '../../../../src/core/proxy/http2/hpack/section-memory.js'
import { wordBuffer } from '../../../../src/core/proxy/transport/word-buffer.js'
import { fields } from '../../../support/fields.js'
import { seededRandom } from '../../../support/seeded-random.js'

const START = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'test'],
] as const

function requestBlock(path: string, ...more: (readonly [string, string])[]): Buffer {
  return Buffer.from(encodeFields([...START, [':path', path], ...more]))
}

/** The block behind a literal that is entered into the table, or without a name of the static table. */
function inserting(name: string, value: string): Buffer {
  const octets = (text: string) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)])
  return Buffer.concat([Buffer.of(0x40), octets(name), octets(value)])
}

/** Decodes from a buffer that sections are remembered of, or from a plain one, of which none are. */
function decodeWith(decoder: HpackDecoder, block: Buffer, role: RoleCode, remembering: boolean) {
  const input = remembering ? wordBuffer(block.length + 7) : Buffer.alloc(block.length + 7)
  block.copy(input, 3)
  const head = new Head()
  const verdict = decoder.decode(input, 3, 3 + block.length, role, head)
  input.fill(0xff)
  const pairs: string[] = []
  if (verdict === Verdict.OK) fields(head.block, head.length, (name, value) => pairs.push(`${name}: ${value}`))
  const { method, isGrpc, timeoutMs, status, grpcStatus, contentLength } = head
  return verdict === Verdict.OK
    ? { pairs, facts: [method, isGrpc, timeoutMs, status, grpcStatus, contentLength] }
    : { verdict }
}

function decoder(): HpackDecoder {
  return new HpackDecoder(DEFAULT_LIMITS, true)
}

/** Two decoders whose tables hold the same two fields. */
function pairWithTable(): [HpackDecoder, HpackDecoder] {
  const pair: [HpackDecoder, HpackDecoder] = [decoder(), decoder()]
  const block = Buffer.concat([requestBlock('/'), inserting('x-oldest', '0'), inserting('x-old', '0')])
  for (const one of pair) decodeWith(one, block, Role.REQUEST, true)
  return pair
}

function remembered(...blocks: Buffer[]): number {
  const one = decoder()
  const before = rememberedBytes()
  for (const block of blocks) decodeWith(one, block, Role.REQUEST, true)
  const grown = rememberedBytes() - before
  one.close()
  expect(rememberedBytes()).toBe(before)
  return grown
}

describe('remembering header sections', () => {
  it('changes nothing, whatever happens to the table between', () => {
    const random = seededRandom(5)
    const plain = requestBlock('/greeter/say', ['grpc-timeout', '5S'], ['content-type', 'application/grpc'])
    const indexed = Buffer.concat([requestBlock('/a'), Buffer.of(0xbe, 0xbf)])
    const blocks: [Buffer, RoleCode][] = [
      [plain, Role.REQUEST],
      [plain, Role.RESPONSE],
      [requestBlock('/other', ['content-length', '5']), Role.REQUEST],
      [indexed, Role.REQUEST],
      [
        Buffer.concat([Buffer.of(0x88), indexed.subarray(-2), Buffer.from(encodeFields([['x-some', 'thing']]))]),
        Role.RESPONSE,
      ],
      [Buffer.concat([Buffer.from(encodeFields([['grpc-status', '5']])), Buffer.of(0xbe)]), Role.TRAILERS],
      [
        Buffer.from(
          encodeFields([
            ['grpc-status', '5'],
            ['x-more', 'of it'],
          ]),
        ),
        Role.TRAILERS,
      ],
      [
        Buffer.from(
          encodeFields([
            ['grpc-status', '5'],
            ['x-more', 'of it'],
          ]),
        ),
        Role.RESPONSE,
      ],
      [Buffer.concat([requestBlock('/a'), inserting('x-first', '1')]), Role.REQUEST],
      [Buffer.concat([requestBlock('/a'), inserting('x-second', '2')]), Role.REQUEST],
      [Buffer.concat([requestBlock('/a'), inserting('x-large', 'v'.repeat(100))]), Role.REQUEST],
      [Buffer.concat([Buffer.of(0x20), requestBlock('/shrunk')]), Role.REQUEST],
      [Buffer.concat([Buffer.of(0x3f, 0xe1, 0x1f), requestBlock('/widened')]), Role.REQUEST],
      [requestBlock('/secret', ['authorization', 'Bearer x'], ['cookie', 'a=b']), Role.REQUEST],
      [requestBlock('/upper', ['x-grpc', 'y']).subarray(1), Role.REQUEST],
    ]
    for (let round = 0; round < 60; round++) {
      let [remembering, forgetful] = pairWithTable()
      // Some rounds repeat few blocks only, so that much is found.
      const variety = 1 + Math.floor(random.next() * blocks.length)
      const first = Math.floor(random.next() * blocks.length)
      for (let step = 0; step < 80; step++) {
        const [block, role] = blocks[(first + Math.floor(random.next() * variety)) % blocks.length]!
        const expected = decodeWith(forgetful, block, role, false)
        expect(decodeWith(remembering, block, role, true)).toEqual(expected)
        if (expected.verdict !== Verdict.COMPRESSION_ERROR) continue
        remembering.close()
        ;[remembering, forgetful] = pairWithTable()
      }
      remembering.close()
    }
  })

  it('stores a section when it is seen again', () => {
    const block = requestBlock('/greeter/say')
    expect(remembered(block)).toBe(0)
    expect(remembered(block, block)).toBeGreaterThan(block.length)
    expect(remembered(...Array.from({ length: 100 }, (_, i) => requestBlock(`/unique/${i}`)))).toBe(0)
  })

  it('stores nothing that is secret, changes the table or is long', () => {
    const twice = (block: Buffer) => remembered(block, block)
    expect(twice(requestBlock('/', ['authorization', 'Bearer x']))).toBe(0)
    expect(twice(requestBlock('/', ['cookie', 'a=b']))).toBe(0)
    const neverIndexed = Buffer.concat([requestBlock('/'), inserting('x-token', 'abc')])
    neverIndexed[requestBlock('/').length] = 0x10
    expect(twice(neverIndexed)).toBe(0)
    expect(twice(Buffer.concat([requestBlock('/'), inserting('x-token', 'abc')]))).toBe(0)
    expect(twice(Buffer.concat([Buffer.of(0x20), requestBlock('/')]))).toBe(0)
    expect(twice(requestBlock('/', ['x-long', 'v'.repeat(1100)]))).toBe(0)
  })

  it('holds a bounded number of sections of a connection', () => {
    const blocks = Array.from({ length: 500 }, (_, i) => requestBlock(`/path/${i}`))
    const all = remembered(...blocks.flatMap((block) => [block, block]))
    expect(all).toBeGreaterThan(0)
    expect(all).toBeLessThan(32 * 200)
  })
})
