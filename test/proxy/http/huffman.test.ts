import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodedRoom, decodeHuffman, measureHuffman, NOT_HUFFMAN } from '../../../src/core/proxy/http/huffman.js'
import { measurePlain } from '../../../src/core/proxy/http/octets.js'

function decode(bytes: Uint8Array): Buffer | undefined {
  const target = Buffer.alloc(decodedRoom(bytes.length))
  const end = decodeHuffman(bytes, 0, bytes.length, target, 0)
  return end < 0 ? undefined : target.subarray(0, end)
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('Huffman code', () => {
  // RFC 7541 appendix C.
  it.each([
    ['f1e3 c2e5 f23a 6ba0 ab90 f4ff', 'www.example.com'],
    ['a8eb 1064 9cbf', 'no-cache'],
    ['d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    [
      '94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ],
    // Appendix B: the longest code, of LF; with 2 bits of padding.
    ['ffff fff3', '\n'],
    ['', ''],
  ])('%s is %j', (code, text) => {
    expect(decode(hex(code))?.toString('latin1')).toBe(text)
    expect(measureHuffman(hex(code), 0, hex(code).length)).toBe(
      measurePlain(Buffer.from(text, 'latin1'), 0, text.length),
    )
  })

  it.each([
    ['padding of 8 bits', 'f1e3 c2e5 f23a 6ba0 ab90 f4ff ff'],
    ['padding of zeros', 'f1e3 c2e5 f23a 6ba0 ab90 f400'],
    ['EOS', 'ffff ffff'],
    ['a code cut short', 'ffff fe'],
  ])('refuses %s', (_, code) => {
    expect(decode(hex(code))).toBeUndefined()
    expect(measureHuffman(hex(code), 0, hex(code).length)).toBe(NOT_HUFFMAN)
  })

  it('is measured as what it decodes to', () => {
    const dense = fc.array(fc.constantFrom(0x53, 0x50, 0x18, 0xff, 0xfe, 0xea, 0x00, 0x14, 0x63), { maxLength: 12 })
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      dense.map((list) => Uint8Array.from(list)),
    )
    fc.assert(
      fc.property(octets, (bytes) => {
        const decoded = decode(bytes)
        const expected = decoded === undefined ? NOT_HUFFMAN : measurePlain(decoded, 0, decoded.length)
        expect(measureHuffman(bytes, 0, bytes.length)).toBe(expected)
      }),
      { numRuns: 20_000, seed: 1 },
    )
  })
})
