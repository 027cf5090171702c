import { decodedRoom, decodeHuffman } from './huffman.js'
import { STATIC_NAMES, type Name } from './names.js'
import { STATIC_FIELDS } from './static-table.js'

const STATIC_VALUES: readonly Buffer[] = [Buffer.alloc(0), ...STATIC_FIELDS.map(([, value]) => Buffer.from(value))]

/**
 * Steps through a field block without making strings. Reuse one: `at` starts over. Blocks are our own and well formed; a peer's
 * octets go through a codec first.
 */
export class FieldCursor {
  #block: Buffer = STATIC_VALUES[0]!
  #end = 0
  #next = 0

  /** The field is `block[start, end)`: what is to be copied to pass it on as it is. */
  start = 0
  /** The lowest static index of the name, 0 for a name that is not in the static table. */
  nameIndex = 0
  /** The name is `nameBytes[nameStart, nameEnd)`, in lower case. */
  nameBytes: Buffer = STATIC_VALUES[0]!
  nameStart = 0
  nameEnd = 0
  /** The value is `valueBytes[valueStart, valueEnd)`, Huffman-coded if `huffman` says so. */
  valueBytes: Buffer = STATIC_VALUES[0]!
  valueStart = 0
  valueEnd = 0
  huffman = false

  /** Puts the cursor before the first field, or before the one at `from`. */
  at(block: Buffer, length: number, from = 0): this {
    this.#block = block
    this.#end = length
    this.#next = from
    return this
  }

  /** Goes to the next field; false when there is none. */
  next(): boolean {
    const block = this.#block
    const start = this.#next
    if (start >= this.#end) return false
    this.start = start
    const first = block[start]!
    if ((first & 0x80) !== 0) {
      this.#next = start + 1
      this.#staticName(first & 0x7f)
      this.valueBytes = STATIC_VALUES[first & 0x7f]!
      this.valueStart = 0
      this.valueEnd = this.valueBytes.length
      this.huffman = false
      return true
    }
    let position = start + 1
    let index = first & 0x0f
    if (index === 0x0f) index += block[position++]!
    if (index === 0) {
      position = this.#length(position)
      this.nameIndex = 0
      this.nameBytes = block
      this.nameStart = position
      this.nameEnd = position += this.#taken
    } else this.#staticName(index)
    this.huffman = (block[position]! & 0x80) !== 0
    position = this.#length(position)
    this.valueBytes = block
    this.valueStart = position
    this.valueEnd = this.#next = position + this.#taken
    return true
  }

  /** Where the field ends in the block. */
  get end(): number {
    return this.#next
  }

  /** Whether the field has this name. */
  is(name: Name): boolean {
    if (name.index !== 0 || this.nameIndex !== 0) return name.index === this.nameIndex
    const length = this.nameEnd - this.nameStart
    return length === name.bytes.length && name.bytes.compare(this.nameBytes, this.nameStart, this.nameEnd) === 0
  }

  get name(): string {
    return this.nameBytes.toString('latin1', this.nameStart, this.nameEnd)
  }

  /** One character per octet. */
  get value(): string {
    if (!this.huffman) return this.valueBytes.toString('latin1', this.valueStart, this.valueEnd)
    const decoded = Buffer.allocUnsafe(this.valueRoom)
    return decoded.toString('latin1', 0, this.copyValue(decoded, 0))
  }

  /** The most octets that the decoded value can have. */
  get valueRoom(): number {
    const length = this.valueEnd - this.valueStart
    return this.huffman ? decodedRoom(length) : length
  }

  /** Writes the decoded value into `target`, which has `valueRoom` octets from `at` on; returns where it ends. */
  copyValue(target: Buffer, at: number): number {
    if (this.huffman) return decodeHuffman(this.valueBytes, this.valueStart, this.valueEnd, target, at)
    return at + this.valueBytes.copy(target, at, this.valueStart, this.valueEnd)
  }

  #staticName(index: number): void {
    const name = STATIC_NAMES[index]!
    this.nameIndex = name.index
    this.nameBytes = name.bytes
    this.nameStart = 0
    this.nameEnd = name.bytes.length
  }

  #taken = 0

  /** Reads a string's length at `position` into `#taken`; returns where the string begins. */
  #length(position: number): number {
    const block = this.#block
    let length = block[position]! & 0x7f
    let next = position + 1
    if (length === 0x7f) {
      let shift = 0
      let octet: number
      do {
        octet = block[next++]!
        length += (octet & 0x7f) << shift
        shift += 7
      } while (octet > 0x7f)
    }
    this.#taken = length
    return next
  }
}
