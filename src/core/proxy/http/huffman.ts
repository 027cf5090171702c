import { CLASS_SHIFT, isBlank, NOT_VALUE, OCTET_CLASSES } from './octets.js'

/**
 * The lengths in bits of HPACK's codes for the octets 0–255 and EOS (RFC 7541 appendix B), one base-36 digit each. The code is
 * canonical: codes of one length are consecutive, in the order of their symbols, and shorter ones come first.
 */
const CODE_LENGTHS =
  'dnsssssssoussuss' +
  'ssssssusssssssss' +
  '6aacd68baa8b8666' +
  '555666666678f6ca' +
  'd677777777777777' +
  '77777777878djde6' +
  'f565656665776665' +
  '67655677777fbeds' +
  'kmkkmmmnmnnnnnon' +
  'oomnonnnnlmnmnno' +
  'mlkmmnnlnmmolmnn' +
  'llmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqop' +
  'jlqrrqrollqqsrrr' +
  'koklmllnmmppooqn' +
  'qrqqrrrrrsrrrrrq' +
  'u'

const EOS = 256

/** Bits in an entry of the automaton's `check`. */
const CHECK_ERROR = 1 << 10
/** What has been read so far may be the end. */
const CHECK_ACCEPTING = 1 << 11
/** The last symbol completed with the octet is a space or a tab. */
const CHECK_BLANK = 1 << 12
/** From here on the classes of the symbols completed (see octets.ts). */
const CHECK_CLASSES = 13
const DECODE_ERROR = 1 << 26

/** The octets are no Huffman coding (RFC 7541 §5.2), which is an error of the connection. */
export const NOT_HUFFMAN = -1

/** The automaton takes one octet per step. Its 256 states are the inner nodes of the code tree, 0 the root. */
interface Automaton {
  /**
   * `[state << 8 | octet]`: next state in bits 0–7, symbols completed (0–2) in bits 8–9, then the `CHECK_` bits.
   * Small enough for a second-level cache, and all that is needed where the octets are passed on as they came.
   */
  readonly check: Uint16Array
  /** `[state << 8 | octet]`: next state in bits 0–7, the symbols completed in 8–15 and 16–23, their number in 24–25, error in 26. */
  readonly decode: Uint32Array
}

let automaton: Automaton | undefined

/** Takes some milliseconds at the first call; the table is for the life of the process. */
function huffmanAutomaton(): Automaton {
  return (automaton ??= build())
}

/** As `measurePlain`, of the octets that `bytes[from, to)` stand for; `NOT_HUFFMAN` if they do not decode. */
export function measureHuffman(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0
  const table = huffmanAutomaton().check
  let state = 0
  let seen = 0
  let entry = 0
  let length = 0
  for (let i = from; i < to; i++) {
    entry = table[(state << 8) | bytes[i]!]!
    state = entry & 0xff
    length += (entry >> 8) & 3
    seen |= entry
  }
  if ((seen & CHECK_ERROR) !== 0 || (entry & CHECK_ACCEPTING) === 0) return NOT_HUFFMAN
  let classes = seen >> CHECK_CLASSES
  // The first symbol: a space is 010100, a tab 24 bits. The last: fewer than 8 bits of padding, so the last octet completes it.
  if (bytes[from]! >> 2 === 0x14 || isTab(bytes, from, to) || (entry & CHECK_BLANK) !== 0) classes |= NOT_VALUE
  return length | (classes << CLASS_SHIFT)
}

function isTab(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from > 2 && bytes[from] === 0xff && bytes[from + 1] === 0xff && bytes[from + 2] === 0xea
}

/** Decodes into `target` from `at` on, which must have room; returns where the decoded octets end, or -1 if they are no Huffman coding. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  const { check, decode } = huffmanAutomaton()
  let state = 0
  let last = CHECK_ACCEPTING
  let position = at
  for (let i = from; i < to; i++) {
    const step = (state << 8) | bytes[i]!
    const entry = decode[step]!
    if ((entry & DECODE_ERROR) !== 0) return -1
    const symbols = (entry >> 24) & 3
    if (symbols > 0) target[position++] = entry >> 8
    if (symbols > 1) target[position++] = entry >> 16
    state = entry & 0xff
    last = check[step]!
  }
  return (last & CHECK_ACCEPTING) === 0 ? -1 : position
}

/** The most octets that so many Huffman-coded octets can stand for: the shortest code has 5 bits. */
export function decodedRoom(length: number): number {
  return Math.floor((length * 8) / 5)
}

function build(): Automaton {
  const { zero, one, accepting } = codeTree()
  const check = new Uint16Array(0x10000)
  const decode = new Uint32Array(0x10000)
  for (let state = 0; state < 256; state++) {
    for (let octet = 0; octet < 256; octet++) {
      let node = state
      let symbols = 0
      let decoded = 0
      let flags = 0
      for (let bit = 0x80; bit !== 0; bit >>= 1) {
        const next = (octet & bit) === 0 ? zero[node]! : one[node]!
        node = next
        if (next >= 0) continue
        const symbol = ~next
        node = 0
        // "A Huffman-encoded string literal containing the EOS symbol MUST be treated as a decoding error." (RFC 7541 §5.2)
        if (symbol === EOS) {
          flags |= CHECK_ERROR
          break
        }
        flags &= ~CHECK_BLANK
        if (isBlank(symbol)) flags |= CHECK_BLANK
        flags |= OCTET_CLASSES[symbol]! << CHECK_CLASSES
        decoded |= symbol << (8 * ++symbols)
      }
      if (accepting[node] === 1) flags |= CHECK_ACCEPTING
      check[(state << 8) | octet] = node | (symbols << 8) | flags
      decode[(state << 8) | octet] = node | decoded | (symbols << 24) | ((flags & CHECK_ERROR) === 0 ? 0 : DECODE_ERROR)
    }
  }
  return { check, decode }
}

/** Children by node; a leaf is the complement of its symbol. */
function codeTree(): { zero: Int16Array; one: Int16Array; accepting: Uint8Array } {
  const zero = new Int16Array(256)
  const one = new Int16Array(256)
  const accepting = new Uint8Array(256)
  let nodes = 1
  let code = 0
  for (let bits = 1; bits <= 30; bits++, code <<= 1) {
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (parseInt(CODE_LENGTHS[symbol]!, 36) !== bits) continue
      let node = 0
      for (let shift = bits - 1; shift > 0; shift--) {
        const side = ((code >>> shift) & 1) === 0 ? zero : one
        // Node 0 is nobody's child.
        if (side[node] === 0) side[node] = nodes++
        node = side[node]!
      }
      const side = (code & 1) === 0 ? zero : one
      side[node] = ~symbol
      code++
    }
  }
  // "A padding strictly longer than 7 bits MUST be treated as a decoding error", as must one that is not all ones (RFC 7541 §5.2).
  for (let node = 0, depth = 0; depth <= 7; depth++, node = one[node]!) accepting[node] = 1
  return { zero, one, accepting }
}
