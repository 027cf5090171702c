import { decodedRoom, decodeHuffman } from '../../http/huffman.js'
import { isToken, NameKind } from '../../http/names.js'
import { NOT_AUTHORITY, NOT_TARGET, NOT_VALUE } from '../../http/octets.js'
import {
  isGrpcType,
  isScheme,
  methodOf,
  parseDecimal,
  parseGrpcStatus,
  parseGrpcTimeout,
  parseStatus,
} from '../../http/values.js'

/** The fact of a value that its field cannot have: the message is malformed. */
export const MALFORMED_VALUE = -2

/** The fact of a `grpc-timeout` that says nothing. */
export const NO_TIMEOUT = -1

/** Facts of `:path` and `:scheme`. */
export const PATH_ASTERISK = 2
export const SCHEME_HTTP = 1

const TRAILERS = Buffer.from('trailers')
const CONTINUE = Buffer.from('100-continue')
const HTTP = Buffer.from('http')
const HTTPS = Buffer.from('https')

/** Values that mean something to us are short: of a longer one there is no fact. */
const MAX_CODED = 512
const scratch = Buffer.allocUnsafeSlow(decodedRoom(MAX_CODED))

/**
 * What the value `bytes[from, to)` of a field of `kind` says, as one number: a code, milliseconds, a length, or that the field
 * cannot have it. `classes` are those of its octets. Computed once for a field in a dynamic table.
 */
export function factOf(
  kind: number,
  bytes: Buffer,
  from: number,
  to: number,
  huffman: boolean,
  classes: number,
): number {
  if ((classes & NOT_VALUE) !== 0) return MALFORMED_VALUE
  switch (kind) {
    case NameKind.REGULAR:
    case NameKind.COOKIE:
    case NameKind.FORWARDED:
    case NameKind.SECRET:
    case NameKind.VIA:
      return 0
    case NameKind.PATH:
      return (classes & NOT_TARGET) === 0 && from < to ? pathFact(bytes, from, to, huffman) : MALFORMED_VALUE
    case NameKind.AUTHORITY:
    case NameKind.HOST:
      return (classes & NOT_AUTHORITY) === 0 && from < to ? 0 : MALFORMED_VALUE
  }
  if (!huffman) return parsed(kind, bytes, from, to)
  const end = to - from > MAX_CODED ? 0 : decodeHuffman(bytes, from, to, scratch, 0)
  return parsed(kind, scratch, 0, end)
}

/** A path begins with `/`, in Huffman code 011000, or is `*`, which is 11111001. */
function pathFact(bytes: Buffer, from: number, to: number, huffman: boolean): number {
  const first = bytes[from]!
  if (huffman ? first >> 2 === 0x18 : first === 0x2f) return 1
  return to - from === 1 && first === (huffman ? 0xf9 : 0x2a) ? PATH_ASTERISK : MALFORMED_VALUE
}

function parsed(kind: number, bytes: Buffer, from: number, to: number): number {
  switch (kind) {
    case NameKind.METHOD:
      return isToken(bytes, from, to) ? methodOf(bytes, from, to) : MALFORMED_VALUE
    case NameKind.SCHEME:
      if (isSame(bytes, from, to, HTTP) || isSame(bytes, from, to, HTTPS)) return SCHEME_HTTP
      return isScheme(bytes, from, to) ? 0 : MALFORMED_VALUE
    case NameKind.STATUS:
      return statusFact(parseStatus(bytes, from, to))
    case NameKind.TE:
      return isSame(bytes, from, to, TRAILERS) ? 1 : MALFORMED_VALUE
    case NameKind.CONTENT_LENGTH: {
      const length = parseDecimal(bytes, from, to)
      return length < 0 ? MALFORMED_VALUE : length
    }
    case NameKind.CONTENT_TYPE:
      return isGrpcType(bytes, from, to) ? 1 : 0
    case NameKind.EXPECT:
      return isSame(bytes, from, to, CONTINUE) ? 1 : 0
    case NameKind.GRPC_TIMEOUT:
      return timeoutFact(parseGrpcTimeout(bytes, from, to))
    case NameKind.GRPC_STATUS:
      return parseGrpcStatus(bytes, from, to)
    default:
      return 0
  }
}

/** Whole milliseconds, so that facts stay small integers; what is longer than 12 days is as good as that. */
function timeoutFact(ms: number): number {
  return ms === Infinity ? NO_TIMEOUT : Math.min(Math.ceil(ms), 0x3fffffff)
}

/** "HTTP/2 removes support for the 101 (Switching Protocols) informational status code" (RFC 9113 §8.6). */
function statusFact(status: number): number {
  return status === 101 || status === 0 || status > 599 ? MALFORMED_VALUE : status
}

/** Whether `bytes[from, to)` is `text`, which is in lower case, in whatever case. */
function isSame(bytes: Buffer, from: number, to: number, text: Buffer): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) {
    const octet = bytes[from + i]!
    if (octet !== text[i] && (octet | 0x20) !== text[i]) return false
  }
  return true
}
