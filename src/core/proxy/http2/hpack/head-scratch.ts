import { NameKind, type Name } from '../../http/names.js'
import { wordBuffer, type WordBuffer } from '../../transport/word-buffer.js'
import { TABLE_SIZE } from './dynamic-table.js'

/** What a `:authority` made of `host` has beyond it, and a size rounded up. */
const MARGIN = 64

/**
 * The octets that decoders write field blocks into, with a view of them. One for the process: a head is handed on before the
 * next is decoded.
 */
export class HeadScratch {
  readonly bytes: WordBuffer
  readonly view: DataView
  readonly #size: number

  /** For blocks of fields that count for `size` octets. A field to be inserted into a table may follow them. */
  constructor(size: number) {
    this.#size = size
    this.bytes = wordBuffer(size + TABLE_SIZE + MARGIN)
    this.view = this.bytes.view
  }

  get size(): number {
    return this.#size
  }

  /** Writes all of a literal that precedes its value; returns where that ends. Credentials are never indexed (RFC 7541 §7.1.3). */
  name(at: number, name: Name, neverIndexed: boolean): number {
    const bytes = this.bytes
    const prefix = name.prefix
    const length = prefix.length
    for (let i = 0; i < length; i++) bytes[at + i] = prefix[i]!
    if (neverIndexed || name.kind === NameKind.SECRET) bytes[at]! |= 0x10
    return at + length
  }

  /** Writes the length of a string; returns where it ends. */
  length(at: number, length: number, flag: number): number {
    const bytes = this.bytes
    if (length < 0x7f) {
      bytes[at] = flag | length
      return at + 1
    }
    bytes[at++] = flag | 0x7f
    let rest = length - 0x7f
    for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80
    bytes[at++] = rest
    return at
  }
}

let largest: HeadScratch | undefined

/** The process's scratch, for blocks of fields that count for up to `size` octets. */
export function headScratch(size: number): HeadScratch {
  if (largest === undefined || largest.size < size) largest = new HeadScratch(size)
  return largest
}
