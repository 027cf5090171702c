/** The little of HPACK (RFC 7541) that a load generator needs: an encoder that keeps its dynamic table as gRPC clients do. */

const TABLE_SIZE = 4096
const STATIC_ENTRIES = 61
/** RFC 7541 Appendix A. */
const STATIC_FIELDS = { ':method POST': 3, ':scheme http': 6 }
const STATIC_NAMES = { ':authority': 1, ':path': 4, 'content-type': 31, 'user-agent': 58 }
/** RFC 7541 Appendix B, the codes of 5 to 7 bits: in order of their characters they count up. */
const HUFFMAN = new Map([
  ...counting(5, 0x0, '012aceiost'),
  ...counting(6, 0x14, ' %-./3456789=A_bdfghlmnpru'),
  ...counting(7, 0x5c, ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz'),
])

function counting(length, first, characters) {
  return [...characters].map((character, i) => [character.charCodeAt(0), { length, code: first + i }])
}

/** Encodes the heads of one connection. Characters outside of letters, digits and a few signs are not known to it. */
export class Encoder {
  /** Of every entry: its whole size; the newest last. */
  #sizes = []
  #size = 0
  #inserted = 0
  #lastOf = new Map()
  #out
  #at = 0

  /** Writes the head into `out` at `at` and returns where it ends. Paths are not entered in the table, all else is. */
  encode(out, at, fields) {
    this.#out = out
    this.#at = at
    for (const [name, value] of fields) this.#field(name, value)
    return this.#at
  }

  #field(name, value) {
    const whole = `${name} ${value}`
    const index = STATIC_FIELDS[whole] ?? this.#indexOf(whole)
    if (index !== undefined) return this.#integer(index, 7, 0x80)
    const enter = name !== ':path'
    const nameIndex = STATIC_NAMES[name] ?? this.#indexOf(name) ?? 0
    this.#integer(nameIndex, enter ? 6 : 4, enter ? 0x40 : 0x00)
    if (nameIndex === 0) this.#text(name)
    this.#text(value)
    if (enter) this.#enter(name, whole)
  }

  #indexOf(key) {
    const entry = this.#lastOf.get(key)
    if (entry === undefined) return undefined
    if (entry < this.#inserted - this.#sizes.length) {
      this.#lastOf.delete(key)
      return undefined
    }
    return STATIC_ENTRIES + this.#inserted - entry
  }

  #enter(name, whole) {
    const size = whole.length - 1 + 32
    while (this.#size + size > TABLE_SIZE) this.#size -= this.#sizes.shift()
    this.#sizes.push(size)
    this.#size += size
    this.#lastOf.set(name, this.#inserted).set(whole, this.#inserted++)
    // Values that are never seen again would fill the map.
    if (this.#lastOf.size > 1000) for (const key of this.#lastOf.keys()) this.#indexOf(key)
  }

  #integer(value, bits, first) {
    const most = (1 << bits) - 1
    if (value < most) return void (this.#out[this.#at++] = first | value)
    this.#out[this.#at++] = first | most
    for (value -= most; value > 127; value >>= 7) this.#out[this.#at++] = 0x80 | (value & 0x7f)
    this.#out[this.#at++] = value
  }

  #text(text) {
    let bits = 0
    for (let i = 0; i < text.length; i++) bits += HUFFMAN.get(text.charCodeAt(i)).length
    this.#integer((bits + 7) >> 3, 7, 0x80)
    let [held, count] = [0, 0]
    for (let i = 0; i < text.length; i++) {
      const { length, code } = HUFFMAN.get(text.charCodeAt(i))
      held = ((held << length) | code) & 0xffff
      count += length
      for (; count >= 8; count -= 8) this.#out[this.#at++] = held >> (count - 8)
    }
    // "the most significant bits of the code for the EOS symbol" (RFC 7541 §5.2)
    if (count > 0) this.#out[this.#at++] = (held << (8 - count)) | (0xff >> count)
  }
}

/** A field as a literal with a new name, entered in the table or not; neither text longer than 126 bytes. */
export function literal(name, value, enter) {
  return Buffer.from([enter ? 0x40 : 0x00, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value)])
}
