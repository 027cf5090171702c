import { Method, type MethodCode } from './head.js'
import { CLASS_SHIFT, measurePlain, NOT_VALUE } from './octets.js'

/**
 * Whether the octets may be a field value: no control character but the tab, no space or tab at either edge (RFC 9113 §8.2.1,
 * RFC 9110 §5.5).
 */
export function isValue(bytes: Uint8Array, from: number, to: number): boolean {
  return ((measurePlain(bytes, from, to) >> CLASS_SHIFT) & NOT_VALUE) === 0
}

/** A decimal number of at most 15 digits, so that it is exact; -1 for everything else. `content-length` (RFC 9110 §8.6). */
export function parseDecimal(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 15) return -1
  let number = 0
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}

/** Milliseconds of each unit of `grpc-timeout`: hours, minutes, seconds, milliseconds, microseconds, nanoseconds. */
const UNITS: Readonly<Record<number, number>> = {
  0x48: 3_600_000,
  0x4d: 60_000,
  0x53: 1000,
  0x6d: 1,
  0x75: 1e-3,
  0x6e: 1e-6,
}

/** `grpc-timeout` in milliseconds: "TimeoutValue → {positive integer as ASCII string of at most 8 digits}", then the unit. Infinity for everything else. */
export function parseGrpcTimeout(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 2 || to - from > 9) return Infinity
  const unit = UNITS[bytes[to - 1]!]
  const number = parseDecimal(bytes, from, to - 1)
  return unit === undefined || number < 0 ? Infinity : number * unit
}

/** `grpc-status`: 0–16 and what later versions add, at most 3 digits; -1 for everything else. */
export function parseGrpcStatus(bytes: Uint8Array, from: number, to: number): number {
  return to - from > 3 ? -1 : parseDecimal(bytes, from, to)
}

/** The three digits of a status, 100–999; 0 for everything else (RFC 9110 §15). */
export function parseStatus(bytes: Uint8Array, from: number, to: number): number {
  const status = to - from === 3 ? parseDecimal(bytes, from, to) : 0
  return status < 100 ? 0 : status
}

const METHODS: readonly (readonly [Buffer, MethodCode])[] = [
  [Buffer.from('GET'), Method.GET],
  [Buffer.from('POST'), Method.POST],
  [Buffer.from('HEAD'), Method.HEAD],
  [Buffer.from('PUT'), Method.PUT],
  [Buffer.from('DELETE'), Method.DELETE],
  [Buffer.from('OPTIONS'), Method.OPTIONS],
  [Buffer.from('TRACE'), Method.TRACE],
  [Buffer.from('CONNECT'), Method.CONNECT],
]

/** The method that a token names. Methods are case-sensitive (RFC 9110 §9.1). */
export function methodOf(bytes: Uint8Array, from: number, to: number): MethodCode {
  for (const [text, code] of METHODS) if (text.length === to - from && startsWith(bytes, from, to, text)) return code
  return Method.OTHER
}

/** Whether the octets are a URI scheme in lower case (RFC 3986 §3.1). */
export function isScheme(bytes: Uint8Array, from: number, to: number): boolean {
  if (from >= to || !isLetter(bytes[from]!)) return false
  for (let i = from + 1; i < to; i++)
    if (!isLetter(bytes[i]!) && !isDigit(bytes[i]!) && !PUNCTUATION.has(bytes[i]!)) return false
  return true
}

const PUNCTUATION = new Set(Buffer.from('+-.'))

function isLetter(octet: number): boolean {
  return octet >= 0x61 && octet <= 0x7a
}

function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39
}

/** Whether `bytes[from, to)` begins with `text`. */
export function startsWith(bytes: Uint8Array, from: number, to: number, text: Uint8Array): boolean {
  if (to - from < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false
  return true
}

const APPLICATION_GRPC = Buffer.from('application/grpc')

/**
 * Whether a `content-type` is gRPC's: `application/grpc`, alone or before `+`, `;` or a space. `application/grpc-web` is
 * another protocol.
 */
export function isGrpcType(bytes: Uint8Array, from: number, to: number): boolean {
  if (!startsWith(bytes, from, to, APPLICATION_GRPC)) return false
  const end = from + APPLICATION_GRPC.length
  return end === to || bytes[end] === 0x2b || bytes[end] === 0x3b || bytes[end] === 0x20
}
