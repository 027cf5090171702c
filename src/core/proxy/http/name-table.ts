import { decodedRoom, decodeHuffman } from './huffman.js'
import { isName, isToken, MAX_NAME_LENGTH, nameOf, type Name } from './names.js'

/** How the octets of a name are to be read. */
export const NameForm = {
  /** As HTTP/2 has it: lower case, and a colon in front of pseudo-header fields. */
  PLAIN: 0,
  /** The same, Huffman-coded. */
  HUFFMAN: 1,
  /** As HTTP/1.1 has it: a token in either case. */
  ANY_CASE: 2,
} as const

/** What became of octets that are no name. */
export const NoName = {
  /** They do not decode (RFC 7541 §5.2): an error of the connection. */
  UNREADABLE: 1,
  /** No field may be called so (RFC 9113 §8.2.1): an error of the message. */
  MALFORMED: 2,
} as const
export type NoNameCode = (typeof NoName)[keyof typeof NoName]

const SLOTS = 512
const MAX_REMEMBERED = 128
const HASHED = 24

interface Slot {
  readonly form: number
  readonly raw: Buffer
  readonly name: Name
}

/** Of the whole process. A name sits in the one place that its octets hash to: others only push it out, which costs time. */
const slots: (Slot | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
const scratch = Buffer.allocUnsafeSlow(decodedRoom(MAX_NAME_LENGTH))

/** The name that `bytes[from, to)` spell. Names seen lately cost no allocation. */
export function readName(bytes: Buffer, from: number, to: number, form: number): Name | NoNameCode {
  const length = to - from
  if (length > MAX_REMEMBERED) return parse(bytes, from, to, form)
  const place = placeOf(bytes, from, to, form)
  const slot = slots[place]
  if (slot?.form === form && isSame(slot.raw, bytes, from, length)) return slot.name
  const name = parse(bytes, from, to, form)
  if (typeof name === 'number') return name
  slots[place] = { form, raw: Buffer.from(bytes.subarray(from, to)), name }
  return name
}

function placeOf(bytes: Buffer, from: number, to: number, form: number): number {
  let hash = (to - from) * 4 + form
  // The end tells names apart more often than the beginning: `grpc-accept-encoding`, `grpc-encoding`, `x-…`.
  for (let i = Math.max(from, to - HASHED); i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return ((hash >>> 16) ^ hash) & (SLOTS - 1)
}

function isSame(raw: Buffer, bytes: Buffer, from: number, length: number): boolean {
  if (raw.length !== length) return false
  for (let i = 0; i < length; i++) if (raw[i] !== bytes[from + i]) return false
  return true
}

function parse(bytes: Buffer, from: number, to: number, form: number): Name | NoNameCode {
  if (form === NameForm.HUFFMAN) {
    // More coded octets than this cannot stand for a name in lower case; what they are is not worth decoding.
    if (to - from > MAX_NAME_LENGTH) return NoName.MALFORMED
    const end = decodeHuffman(bytes, from, to, scratch, 0)
    if (end < 0) return NoName.UNREADABLE
    return isName(scratch, 0, end) ? nameOf(scratch.toString('latin1', 0, end)) : NoName.MALFORMED
  }
  if (form === NameForm.PLAIN)
    return isName(bytes, from, to) ? nameOf(bytes.toString('latin1', from, to)) : NoName.MALFORMED
  if (to - from > MAX_NAME_LENGTH || !isToken(bytes, from, to)) return NoName.MALFORMED
  return nameOf(bytes.toString('latin1', from, to).toLowerCase())
}
