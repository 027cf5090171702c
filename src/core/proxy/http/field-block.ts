import { wordBuffer } from '../transport/word-buffer.js'
import { FieldCursor } from './field-cursor.js'
import { nameOf, NameKind, type Name } from './names.js'
import { staticFieldIndex } from './static-table.js'
import { isValue } from './values.js'

/** What a length (at most 5 octets) and the first octets of a literal add to its name and value. */
const LITERAL_OVERHEAD = 8

/**
 * Writes a field block (see `Head`). The buffer grows as needed and is used again after `clear`; who keeps a block copies it.
 * Values are not validated here: a codec has done so, and `encodeFields` does.
 */
export class FieldBlockWriter {
  /** The block is `buffer[0, length)`. Another buffer after it had to grow. */
  buffer: Buffer
  length = 0

  constructor(size = 1024) {
    this.buffer = Buffer.allocUnsafeSlow(size)
  }

  clear(): void {
    this.length = 0
  }

  /** A field of the static table, 1–61. */
  indexed(index: number): void {
    this.#ensure(1)
    this.buffer[this.length++] = 0x80 | index
  }

  /** A literal whose value is `bytes[from, to)`, Huffman-coded if `huffman` says so. A credential is always written never-indexed. */
  literal(name: Name, bytes: Buffer, from: number, to: number, huffman: boolean, neverIndexed: boolean): void {
    const prefix = name.prefix
    const size = to - from
    this.#ensure(prefix.length + size + LITERAL_OVERHEAD)
    const buffer = this.buffer
    const start = this.length
    let at = start
    for (let i = 0; i < prefix.length; i++, at++) buffer[at] = prefix[i]!
    if (neverIndexed || name.kind === NameKind.SECRET) buffer[start]! |= 0x10
    at = this.#writeLength(at, size, huffman ? 0x80 : 0)
    if (size > 64) at += bytes.copy(buffer, at, from, to)
    else for (let i = from; i < to; i++) buffer[at++] = bytes[i]!
    this.length = at
  }

  /** Fields that are a block already. */
  append(block: Buffer, from: number, to: number): void {
    this.#ensure(to - from)
    this.length += block.copy(this.buffer, this.length, from, to)
  }

  /** A field of our own making: one octet per character of `value`. Throws a TypeError for what no field may contain. */
  field(name: string | Name, value: string, neverIndexed = false): void {
    const known = typeof name === 'string' ? nameOf(name) : name
    const index = neverIndexed ? 0 : staticFieldIndex(known.text, value)
    if (index !== 0) {
      this.indexed(index)
      return
    }
    const bytes = Buffer.from(value, 'latin1')
    if (bytes.length !== value.length || /[^\0-\xff]/.test(value) || !isValue(bytes, 0, bytes.length))
      throw new TypeError(`Not a value of the field ${known.text}: ${JSON.stringify(value)}`)
    this.literal(known, bytes, 0, bytes.length, false, neverIndexed)
  }

  #writeLength(at: number, size: number, huffman: number): number {
    const buffer = this.buffer
    if (size < 0x7f) {
      buffer[at] = huffman | size
      return at + 1
    }
    buffer[at++] = huffman | 0x7f
    let rest = size - 0x7f
    for (; rest > 0x7f; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80
    buffer[at++] = rest
    return at
  }

  #ensure(more: number): void {
    if (this.length + more <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + more))
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }
}

/** A ready-made block of our own fields, pseudo-header fields first. Throws a TypeError for what no field may contain. */
export function encodeFields(pairs: Iterable<readonly [name: string, value: string]>): Buffer {
  const writer = new FieldBlockWriter(256)
  for (const [name, value] of pairs) writer.field(name, value)
  const block = wordBuffer(writer.length)
  writer.buffer.copy(block, 0, 0, writer.length)
  return block
}

const cursor = new FieldCursor()

/** The value of the first field called `name` in `block[0, length)`. */
export function findField(block: Buffer, length: number, name: string | Name): string | undefined {
  const wanted = typeof name === 'string' ? nameOf(name) : name
  cursor.at(block, length)
  while (cursor.next()) if (cursor.is(wanted)) return cursor.value
  return undefined
}
