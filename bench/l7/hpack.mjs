/** The little of HPACK (RFC 7541) that a load generator needs: an encoder that keeps its dynamic table as gRPC clients do. */

const TABLE_SIZE = 4096
const ENTRY_OVERHEAD = 32
const MOST_ENTRIES = 128
const STATIC_ENTRIES = 61
const NEVER = -1
/** RFC 7541 Appendix A. */
const STATIC_FIELDS = { ':method POST': 3, ':scheme http': 6 }
const STATIC_NAMES = { ':authority': 1, ':path': 4, 'content-type': 31, 'user-agent': 58 }
/** RFC 7541 Appendix B, the codes of 5 to 7 bits by their characters: in order of these they count up. */
const CODES = new Uint8Array(128)
const LENGTHS = new Uint8Array(128)
counting(5, 0x0, '012aceiost')
counting(6, 0x14, ' %-./3456789=A_bdfghlmnpru')
counting(7, 0x5c, ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz')

function counting(length, first, characters) {
  for (let i = 0; i < characters.length; i++) {
    CODES[characters.charCodeAt(i)] = first + i
    LENGTHS[characters.charCodeAt(i)] = length
  }
}

/**
 * What the heads of one connection are made of: a name, and the value where it is always the same. What can be is encoded
 * beforehand, so that the generator does not cost more than what it measures.
 */
export class Field {
  /** The entries of the dynamic table that this field, and this name, were entered as last. */
  whole = NEVER
  named = NEVER

  constructor(name, value) {
    this.size = name.length + ENTRY_OVERHEAD
    this.index = STATIC_FIELDS[`${name} ${value}`] ?? 0
    this.nameIndex = STATIC_NAMES[name] ?? 0
    // Paths are not entered in the table, all else is.
    this.entered = name !== ':path'
    this.name = coded(name)
    this.value = value
    this.coded = value === undefined ? undefined : coded(value)
  }
}

function coded(text) {
  const out = Buffer.alloc(text.length + 8)
  return out.subarray(0, writeText(out, 0, text))
}

/** Encodes the heads of one connection. Characters outside of letters, digits and a few signs are not known to it. */
export class Encoder {
  /** The sizes of the entries, by their number, round and round. */
  #sizes = new Int32Array(MOST_ENTRIES)
  #oldest = 0
  #size = 0
  #inserted = 0

  /** Writes a field into `out` at `at` and returns where it ends. `value` is for a field without one of its own. */
  encode(out, at, field, value = field.value) {
    if (field.index > 0) return writeInteger(out, at, field.index, 7, 0x80)
    if (field.coded !== undefined && field.whole >= this.#oldest)
      return writeInteger(out, at, this.#indexOf(field.whole), 7, 0x80)
    const { entered } = field
    const known = field.named >= this.#oldest ? this.#indexOf(field.named) : 0
    const nameIndex = field.nameIndex > 0 ? field.nameIndex : known
    at = writeInteger(out, at, nameIndex, entered ? 6 : 4, entered ? 0x40 : 0x00)
    if (nameIndex === 0) at = copy(field.name, out, at)
    at = field.coded === undefined ? writeText(out, at, value) : copy(field.coded, out, at)
    if (entered) this.#enter(field, field.size + value.length)
    return at
  }

  #indexOf(entry) {
    return STATIC_ENTRIES + this.#inserted - entry
  }

  #enter(field, size) {
    while (this.#size + size > TABLE_SIZE) this.#size -= this.#sizes[this.#oldest++ % MOST_ENTRIES]
    this.#sizes[this.#inserted % MOST_ENTRIES] = size
    this.#size += size
    field.whole = field.named = this.#inserted++
  }
}

function copy(from, out, at) {
  for (const octet of from) out[at++] = octet
  return at
}

function writeInteger(out, at, value, bits, first) {
  const most = (1 << bits) - 1
  if (value < most) {
    out[at++] = first | value
    return at
  }
  out[at++] = first | most
  for (value -= most; value > 127; value >>= 7) out[at++] = 0x80 | (value & 0x7f)
  out[at++] = value
  return at
}

function writeText(out, at, text) {
  let bits = 0
  for (let i = 0; i < text.length; i++) bits += LENGTHS[text.charCodeAt(i)]
  at = writeInteger(out, at, (bits + 7) >> 3, 7, 0x80)
  let [held, count] = [0, 0]
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    held = ((held << LENGTHS[character]) | CODES[character]) & 0xffff
    count += LENGTHS[character]
    if (count >= 8) {
      count -= 8
      out[at++] = held >> count
    }
  }
  // "the most significant bits of the code for the EOS symbol" (RFC 7541 §5.2)
  if (count > 0) out[at++] = (held << (8 - count)) | (0xff >> count)
  return at
}

/** A field as a literal with a new name, entered in the table or not; neither text longer than 126 bytes. */
export function literal(name, value, enter) {
  return Buffer.from([enter ? 0x40 : 0x00, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value)])
}
