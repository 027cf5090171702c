import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFields, FieldBlockWriter, findField } from '../../../src/core/proxy/http/field-block.js'
import { FieldCursor } from '../../../src/core/proxy/http/field-cursor.js'
import { nameOf } from '../../../src/core/proxy/http/names.js'
import { STATIC_FIELDS } from '../../../src/core/proxy/http/static-table.js'
import { fields } from '../../support/fields.js'

type Pair = [name: string, value: string]

/** Of RFC 7541 C.4.1: `www.example.com`, Huffman-coded. */
const EXAMPLE = Buffer.from('f1e3c2e5f23a6ba0ab90f4ff', 'hex')

const name = fc.oneof(
  fc.constantFrom(...STATIC_FIELDS.map(([text]) => text)),
  fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,200}$/),
)
const value = fc.oneof(
  fc.constantFrom('', 'GET', '200', 'gzip, deflate'),
  fc.stringMatching(/^[!-~\x80-\xff]([\t -~\x80-\xff]{0,300}[!-~\x80-\xff])?$/),
)

function written({ buffer, length }: FieldBlockWriter): Buffer {
  return buffer.subarray(0, length)
}

function read(block: Buffer): Pair[] {
  const pairs: Pair[] = []
  fields(block, block.length, (name, value) => pairs.push([name, value]))
  return pairs
}

describe('a field block', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 30 }), (pairs) => {
        expect(read(encodeFields(pairs))).toEqual(pairs)
      }),
    )
  })

  it('finds the first field of a name, static or not', () => {
    const block = encodeFields([
      [':status', '200'],
      ['x-a', '1'],
      ['x-ab', '2'],
      ['x-a', '3'],
      ['via', 'one'],
    ])
    expect(findField(block, block.length, ':status')).toBe('200')
    expect(findField(block, block.length, 'x-a')).toBe('1')
    expect(findField(block, block.length, 'x-ab')).toBe('2')
    expect(findField(block, block.length, 'via')).toBe('one')
    expect(findField(block, block.length, 'x-b')).toBeUndefined()
    expect(findField(block, block.length, 'date')).toBeUndefined()
  })

  it('uses the static table for fields and names', () => {
    expect(encodeFields([[':method', 'POST']])).toEqual(Buffer.of(0x83))
    expect(encodeFields([[':method', 'PUT']])).toEqual(Buffer.from('\x02\x03PUT', 'latin1'))
    expect(encodeFields([['user-agent', 'x']])).toEqual(Buffer.from([0x0f, 58 - 15, 1, 0x78]))
  })

  it('decodes Huffman values and keeps them as they are in the block', () => {
    const writer = new FieldBlockWriter(4)
    writer.literal(nameOf(':authority'), EXAMPLE, 0, EXAMPLE.length, true, false)
    expect(read(written(writer))).toEqual([[':authority', 'www.example.com']])
    expect(written(writer).subarray(2)).toEqual(EXAMPLE)
  })

  it('writes credentials never-indexed, however they came', () => {
    // "0001": literal field never indexed (RFC 7541 §6.2.3); "0000": without indexing (§6.2.2).
    const form = (name: string) => encodeFields([[name, 'x']])[0]! >> 4
    for (const secret of ['authorization', 'proxy-authorization', 'set-cookie']) expect(form(secret)).toBe(1)
    expect(form('x-a')).toBe(0)
  })

  it('lets a field be copied alone', () => {
    const block = encodeFields([
      ['x-a', '1'],
      ['via', 'v'.repeat(300)],
      ['x-b', '2'],
    ])
    const cursor = new FieldCursor().at(block, block.length)
    cursor.next()
    cursor.next()
    const writer = new FieldBlockWriter(1)
    writer.append(block, cursor.start, cursor.end)
    expect(read(written(writer))).toEqual([['via', 'v'.repeat(300)]])
  })

  it.each([
    ['an upper-case name', 'X-A', 'v'],
    ['an empty name', '', 'v'],
    ['a space in a name', 'x a', 'v'],
    ['a colon in a name', 'x:a', 'v'],
    ['a line feed', 'x-a', 'a\nb'],
    ['a carriage return', 'x-a', 'a\rb'],
    ['a NUL', 'x-a', '\0'],
    ['a DEL', 'x-a', 'a\x7fb'],
    ['a space in front', 'x-a', ' a'],
    ['a tab at the end', 'x-a', 'a\t'],
    ['a character beyond one octet', 'x-a', 'a€'],
  ])('refuses to write %s', (_, name, value) => {
    expect(() => encodeFields([[name, value]])).toThrow(TypeError)
  })
})
