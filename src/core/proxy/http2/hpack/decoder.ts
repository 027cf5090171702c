import type { HttpLimits } from '../../http/environment.js'
import type { Head } from '../../http/head.js'
import { decodeHuffman, measureHuffman, NOT_HUFFMAN } from '../../http/huffman.js'
import { NameForm, readName } from '../../http/name-table.js'
import { NameKind, STATIC_NAMES, type Name } from '../../http/names.js'
import { CLASS_SHIFT, LENGTH_MASK, measurePlain } from '../../http/octets.js'
import { STATIC_FIELDS } from '../../http/static-table.js'
import { copyShort, copyWords } from '../../transport/copy-words.js'
import { viewOf } from '../../transport/word-buffer.js'
import { DynamicTable, ENTRY_OVERHEAD, Entry, TABLE_SIZE } from './dynamic-table.js'
import { factOf, MALFORMED_VALUE } from './facts.js'
import { HeadRules, Role, Verdict, type RoleCode, type VerdictCode } from './head-rules.js'
import { headScratch, type HeadScratch } from './head-scratch.js'
import { SectionMemory } from './section-memory.js'

export { Role, Verdict, type RoleCode, type VerdictCode }

const STATIC_COUNT = STATIC_FIELDS.length

/** The static table, by index, with the facts that its values state. */
const STATIC_ENTRIES: readonly Entry[] = [new Entry(), ...STATIC_FIELDS.map((_, position) => staticEntry(position + 1))]

function staticEntry(index: number): Entry {
  const entry = new Entry()
  const name = STATIC_NAMES[index]!
  const value = Buffer.from(STATIC_FIELDS[index - 1]![1])
  entry.name = name
  entry.kind = name.kind
  entry.nameLength = name.bytes.length
  entry.fact = factOf(name.kind, value, 0, value.length, false, measurePlain(value, 0, value.length) >> CLASS_SHIFT)
  entry.size = name.bytes.length + value.length + ENTRY_OVERHEAD
  return entry
}

/** An integer beyond this is an attack: "excessively large integer encodings … MUST be treated as decoding errors" (RFC 7541 §5.1). */
const MAX_INTEGER = 1 << 24

/**
 * Decodes the header sections that come on one connection into heads. The fields are passed on as they came, literals with
 * their Huffman code, in a field block that refers to no table of the connection; only what a relay goes by is looked at.
 * Whatever becomes of a section, the table stays what the peer takes it for, unless the verdict is COMPRESSION_ERROR.
 */
export class HpackDecoder {
  readonly #rules: HeadRules
  readonly #table = new DynamicTable()
  readonly #scratch: HeadScratch
  readonly #memory = new SectionMemory()
  #position = 0
  #integer = 0

  /** `trusted`: what clients say in `forwarded` and `x-forwarded-*` is kept. */
  constructor(limits: HttpLimits, trusted: boolean) {
    this.#rules = new HeadRules(limits, trusted)
    this.#scratch = headScratch(limits.maxHeadBytes)
  }

  /** Why the last verdict was not OK, for people. */
  get reason(): string {
    return this.#rules.reason
  }

  /**
   * Decodes the complete section `block[from, to)` into `head`, which holds until the next section of this process is decoded. Not OK
   * leaves in `head` what had been understood by then, which is not to be passed on.
   */
  decode(block: Buffer, from: number, to: number, role: RoleCode, head: Head): VerdictCode {
    const view = viewOf(block)
    const { version } = this.#table
    if (view === undefined) return this.#decode(block, from, to, role, head)
    if (this.#memory.recall(view, from, to - from, role, version, head)) return Verdict.OK
    const verdict = this.#decode(block, from, to, role, head)
    if (verdict === Verdict.OK && this.#table.version === version && !this.#rules.isSecret) {
      this.#memory.note(view, from, to - from, role, version, head)
    }
    return verdict
  }

  /** The connection is over. */
  close(): void {
    this.#memory.clear()
  }

  #decode(block: Buffer, from: number, to: number, role: RoleCode, head: Head): VerdictCode {
    const rules = this.#rules
    rules.start(role, head)
    const scratch = this.#scratch
    this.#position = from
    head.clear()
    head.block = scratch.bytes
    // "This dynamic table size update MUST occur at the beginning of the first header block following the change" (RFC 7541 §4.2).
    while (this.#position < to && (block[this.#position]! & 0xe0) === 0x20)
      if (!this.#readInteger(block, to, 0x1f) || !this.#resize(this.#integer)) return this.#broken('a bad table size')
    let at = 0
    while (this.#position < to) {
      const first = block[this.#position]!
      if (first < 0x80) {
        if ((first & 0xe0) === 0x20) return this.#broken('a table size update behind a field')
        at = this.#literal(block, to, first, at)
        if (at < 0) return Verdict.COMPRESSION_ERROR
        continue
      }
      let index = first & 0x7f
      if (index !== 0x7f) this.#position++
      else if (this.#readInteger(block, to, 0x7f)) index = this.#integer
      else return this.#broken('a bad index')
      if (index <= STATIC_COUNT) {
        if (index === 0) return this.#broken('an index of 0')
        if (rules.accept(STATIC_ENTRIES[index]!.kind, STATIC_ENTRIES[index]!.fact, STATIC_ENTRIES[index]!.size))
          scratch.bytes[at++] = 0x80 | index
        continue
      }
      const entry = this.#table.get(index - STATIC_COUNT - 1)
      if (entry === undefined) return this.#broken('an index beyond the table')
      if (rules.accept(entry.kind, entry.fact, entry.size)) {
        copyWords(this.#table.view, entry.offset, entry.length, scratch.view, at)
        at += entry.length
      } else if (entry.kind === NameKind.HOST && rules.fits(entry.size)) {
        copyWords(this.#table.view, entry.offset, entry.length, scratch.view, at)
        rules.host(scratch.bytes, at, entry.length)
      }
    }
    return rules.finish(scratch, at)
  }

  /** Reads a literal field; returns where the block ends with it, or -1 after a compression error. */
  #literal(block: Buffer, to: number, first: number, at: number): number {
    const inserted = first >= 0x40
    if ((first & 0xf0) === 0x10) this.#rules.isSecret = true
    if (!this.#readInteger(block, to, inserted ? 0x3f : 0x0f)) return this.#fail('a bad index')
    let name: Name | undefined
    let nameLength: number
    if (this.#integer > STATIC_COUNT) {
      const entry = this.#table.get(this.#integer - STATIC_COUNT - 1)
      if (entry === undefined) return this.#fail('an index beyond the table')
      name = entry.name
      nameLength = entry.nameLength
    } else if (this.#integer > 0) {
      name = STATIC_NAMES[this.#integer]!
      nameLength = name.bytes.length
    } else {
      const coded = this.#position < to && block[this.#position]! >= 0x80
      if (!this.#readString(block, to)) return this.#fail('a name that is cut short')
      const start = this.#position - this.#integer
      const read = readName(block, start, this.#position, coded ? NameForm.HUFFMAN : NameForm.PLAIN)
      if (typeof read === 'object') {
        name = read
        nameLength = read.bytes.length
      } else {
        nameLength = coded ? measureHuffman(block, start, this.#position) : this.#integer
        if (nameLength === NOT_HUFFMAN) return this.#fail('a name that does not decode')
        nameLength &= LENGTH_MASK
      }
    }

    const huffman = this.#position < to && block[this.#position]! >= 0x80
    if (!this.#readString(block, to)) return this.#fail('a value that is cut short')
    const end = this.#position
    const start = end - this.#integer
    const measure = huffman ? measureHuffman(block, start, end) : measurePlain(block, start, end)
    if (measure === NOT_HUFFMAN) return this.#fail('a value that does not decode')
    const length = measure & LENGTH_MASK
    const size = nameLength + length + ENTRY_OVERHEAD
    const fact =
      name === undefined ? MALFORMED_VALUE : factOf(name.kind, block, start, end, huffman, measure >> CLASS_SHIFT)

    const scratch = this.#scratch
    const rules = this.#rules
    let written = 0
    if (name !== undefined && (rules.fits(size) || (inserted && size <= TABLE_SIZE))) {
      let position = scratch.name(at, name, (first & 0xf0) === 0x10)
      if (end - start <= length) {
        position = scratch.length(position, end - start, huffman ? 0x80 : 0)
        copyShort(block, start, end - start, scratch.bytes, scratch.view, position)
        position += end - start
      } else {
        // A code longer than what it stands for would make blocks larger than what their fields count for.
        position = decodeHuffman(block, start, end, scratch.bytes, scratch.length(position, length, 0))
      }
      written = position - at
    }
    if (inserted) this.#table.insert(name, nameLength, fact, size, scratch.view, at, written)
    if (rules.accept(name === undefined ? 0 : name.kind, fact, size)) return at + written
    if (name?.kind === NameKind.HOST) rules.host(scratch.bytes, at, written)
    return at
  }

  #resize(capacity: number): boolean {
    // "The new maximum size MUST be lower than or equal to the limit determined by the protocol" (RFC 7541 §6.3).
    if (capacity > TABLE_SIZE) return false
    this.#table.resize(capacity)
    return true
  }

  /** Reads the length of a string, and puts the position behind the string, which is `#integer` octets long. */
  #readString(block: Buffer, to: number): boolean {
    if (this.#position >= to || !this.#readInteger(block, to, 0x7f)) return false
    this.#position += this.#integer
    return this.#position <= to
  }

  /** Reads an integer behind a prefix (RFC 7541 §5.1) at the position, which is before `to`, into `#integer`. */
  #readInteger(block: Buffer, to: number, mask: number): boolean {
    let value = block[this.#position++]! & mask
    if (value === mask) {
      let shift = 0
      let octet: number
      do {
        if (this.#position >= to || shift > 28) return false
        octet = block[this.#position++]!
        value += (octet & 0x7f) * 2 ** shift
        shift += 7
      } while (octet >= 0x80)
      if (value > MAX_INTEGER) return false
    }
    this.#integer = value
    return true
  }

  #broken(what: string): VerdictCode {
    this.#rules.reason = `a header block with ${what}`
    return Verdict.COMPRESSION_ERROR
  }

  #fail(what: string): -1 {
    this.#broken(what)
    return -1
  }
}
