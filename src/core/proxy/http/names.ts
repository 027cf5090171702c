import { STATIC_FIELDS, staticNameIndex } from './static-table.js'

/**
 * What a field name means to codecs and the relay. The order carries meaning: pseudo-header fields come first, then those that
 * concern one connection only and are never in a field block, then the rest.
 */
export const NameKind = {
  METHOD: 1,
  SCHEME: 2,
  AUTHORITY: 3,
  PATH: 4,
  STATUS: 5,
  /** A pseudo-header field that no RFC we implement defines. */
  OTHER_PSEUDO: 6,

  /** `keep-alive`, `proxy-connection`, `http2-settings`. */
  HOP_BY_HOP: 8,
  CONNECTION: 9,
  TRANSFER_ENCODING: 10,
  UPGRADE: 11,

  REGULAR: 16,
  HOST: 17,
  TE: 18,
  CONTENT_LENGTH: 19,
  CONTENT_TYPE: 20,
  EXPECT: 21,
  COOKIE: 22,
  /** What a proxy says of the client: `forwarded`, `x-forwarded-*`, `x-real-ip`. Kept from trusted clients only. */
  FORWARDED: 23,
  /** A credential: never indexed by us, and remembered nowhere. */
  SECRET: 24,
  GRPC_TIMEOUT: 25,
  GRPC_STATUS: 26,
  VIA: 27,
} as const
export type NameKindCode = (typeof NameKind)[keyof typeof NameKind]

/** "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields." (RFC 9113 §8.2.2) */
export function isConnectionSpecific(kind: number): boolean {
  return kind >= NameKind.HOP_BY_HOP && kind < NameKind.REGULAR
}

const KINDS: Readonly<Record<string, NameKindCode>> = {
  ':method': NameKind.METHOD,
  ':scheme': NameKind.SCHEME,
  ':authority': NameKind.AUTHORITY,
  ':path': NameKind.PATH,
  ':status': NameKind.STATUS,
  'connection': NameKind.CONNECTION,
  'transfer-encoding': NameKind.TRANSFER_ENCODING,
  'upgrade': NameKind.UPGRADE,
  'keep-alive': NameKind.HOP_BY_HOP,
  'proxy-connection': NameKind.HOP_BY_HOP,
  'http2-settings': NameKind.HOP_BY_HOP,
  'host': NameKind.HOST,
  'te': NameKind.TE,
  'content-length': NameKind.CONTENT_LENGTH,
  'content-type': NameKind.CONTENT_TYPE,
  'expect': NameKind.EXPECT,
  'cookie': NameKind.COOKIE,
  'set-cookie': NameKind.SECRET,
  'authorization': NameKind.SECRET,
  'proxy-authorization': NameKind.SECRET,
  'forwarded': NameKind.FORWARDED,
  'x-real-ip': NameKind.FORWARDED,
  'grpc-timeout': NameKind.GRPC_TIMEOUT,
  'grpc-status': NameKind.GRPC_STATUS,
  'via': NameKind.VIA,
}

/** Field names longer than this are malformed: nobody has such names, and whoever sends them wants work done. */
export const MAX_NAME_LENGTH = 1024

/** A field name, valid and in lower case. */
export class Name {
  readonly kind: NameKindCode
  /** The lowest static index, 0 for a name that has none. */
  readonly index: number
  readonly bytes: Buffer
  /** All of a literal field without indexing that precedes its value (RFC 7541 §6.2.2). */
  readonly prefix: Buffer

  constructor(readonly text: string) {
    this.kind = kindOf(text)
    this.index = staticNameIndex(text)
    this.bytes = Buffer.from(text, 'latin1')
    this.prefix =
      this.index === 0
        ? Buffer.concat([Buffer.of(0), integer(this.bytes.length, 0x7f), this.bytes])
        : integer(this.index, 0x0f)
  }
}

function kindOf(text: string): NameKindCode {
  // "__proto__" and its like are found on the prototype of an object that is asked by `in`.
  if (Object.hasOwn(KINDS, text)) return KINDS[text]!
  if (text.startsWith(':')) return NameKind.OTHER_PSEUDO
  return text.startsWith('x-forwarded-') ? NameKind.FORWARDED : NameKind.REGULAR
}

/** An integer behind a prefix of `max` + 1 values whose other bits are 0 (RFC 7541 §5.1). */
function integer(value: number, max: number): Buffer {
  if (value < max) return Buffer.of(value)
  const octets = [max]
  let rest = value - max
  for (; rest > 0x7f; rest >>>= 7) octets.push((rest & 0x7f) | 0x80)
  octets.push(rest)
  return Buffer.from(octets)
}

const KNOWN = new Map(
  [...Object.keys(KINDS), ...STATIC_FIELDS.map(([name]) => name)].map((text) => [text, new Name(text)]),
)

/** The names of the static table by index; the first place is empty. */
export const STATIC_NAMES: readonly (Name | undefined)[] = [
  undefined,
  ...STATIC_FIELDS.map(([name]) => KNOWN.get(name)),
]

/** The name `text`; throws a TypeError unless it is a field name in lower case. For our own names, not for a peer's. */
export function nameOf(text: string): Name {
  const known = KNOWN.get(text)
  if (known !== undefined) return known
  const bytes = Buffer.from(text, 'latin1')
  if (!isName(bytes, 0, bytes.length)) throw new TypeError(`Not a field name in lower case: ${JSON.stringify(text)}`)
  return new Name(text)
}

/** 1: allowed in a field name (RFC 9110 §5.6.2, a token). 2: an upper-case letter, which HTTP/1.1 allows and HTTP/2 does not. */
const NAME_CHARACTERS = new Uint8Array(256)
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
  NAME_CHARACTERS[character.charCodeAt(0)] = 1
for (let letter = 0x41; letter <= 0x5a; letter++) NAME_CHARACTERS[letter] = 2

/**
 * Whether the octets are a field name as HTTP/2 has it: a token in lower case, pseudo-header fields with a colon in front
 * (RFC 9113 §8.2.1), not longer than `MAX_NAME_LENGTH`.
 */
export function isName(bytes: Uint8Array, from: number, to: number): boolean {
  const start = bytes[from] === 0x3a ? from + 1 : from
  if (start >= to || to - from > MAX_NAME_LENGTH) return false
  for (let i = start; i < to; i++) if (NAME_CHARACTERS[bytes[i]!] !== 1) return false
  return true
}

/** Whether the octets are a token (RFC 9110 §5.6.2): a method, or a field name in either case. */
export function isToken(bytes: Uint8Array, from: number, to: number): boolean {
  if (from >= to) return false
  for (let i = from; i < to; i++) if (NAME_CHARACTERS[bytes[i]!] === 0) return false
  return true
}
