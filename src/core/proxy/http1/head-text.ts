import { STATUS_CODES } from 'node:http'
import { FieldCursor } from '../http/field-cursor.js'
import type { Head } from '../http/head.js'
import { NameForm, readName } from '../http/name-table.js'
import { isConnectionSpecific, type Name, nameOf, STATIC_NAMES } from '../http/names.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { Output } from '../transport/output.js'
import { COLON, CR, isAuthority, LF, NAME_OCTETS, SPACE, TARGET_OCTETS, VALUE_OCTETS } from './syntax.js'

const text = (characters: string): Buffer => Buffer.from(characters, 'latin1')

const AUTHORITY = nameOf(':authority')
const METHOD = nameOf(':method')
const PATH = nameOf(':path')
const COOKIE = nameOf('cookie')
const LENGTH = nameOf('content-length')
const TE = nameOf('te')
/** Static indexes of pseudo-header fields, which come first (RFC 7541 appendix A). */
const LAST_PSEUDO = 14
const STATIC_HOST = nameOf('host').index
const STATIC_CODING = nameOf('transfer-encoding').index

/** From here on a length takes more than one octet, or is that of a Huffman coding. */
const LONG = 0x7f
/** Of `te`, `upgrade`, `connection` and `keep-alive`, `http2-settings`, `proxy-connection`: the names without an index that need a look. */
const SPECIAL_LENGTHS = new Uint8Array(LONG)
for (const length of [2, 7, 10, 14, 16]) SPECIAL_LENGTHS[length] = 1
/** 1: names with a static index that are left out, refused or written elsewhere. */
const SPECIAL_INDEXES = new Uint8Array(STATIC_NAMES.length)
SPECIAL_INDEXES.fill(1, 0, LAST_PSEUDO + 1)
for (const index of [LENGTH.index, COOKIE.index, STATIC_HOST, STATIC_CODING]) SPECIAL_INDEXES[index] = 1

const CRLF = text('\r\n')
const BLANK = text(' ')
const COLON_SPACE = text(': ')
const CRUMB = text('; ')
const HTTP11 = text(' HTTP/1.1\r\n')
const HOST = text('host: ')
const COOKIE_LINE = text('cookie: ')
const CONTENT_LENGTH = text('content-length: ')
const CHUNKED = text('transfer-encoding: chunked\r\n')
const CLOSE = text('connection: close\r\n')
const KEEP_ALIVE = text('connection: keep-alive\r\n')
const CONNECTION_TE = text('connection: te\r\n')
const CONNECTION_UPGRADE = text('connection: upgrade\r\nupgrade: ')

/** Heads of this size fit into what is left of a slab, or get another. */
const COMMON_SIZE = 2048
/** Longer pieces are copied as cheaply in bulk. */
const BULK = 64

/** How the end of a message shows on the wire. */
export const BodyForm = {
  NONE: 0,
  LENGTH: 1,
  CHUNKED: 2,
  /** Until the connection ends; also what follows a 101. */
  REST: 3,
} as const
export type BodyFormCode = (typeof BodyForm)[keyof typeof BodyForm]

/** What `connection` says of a response. */
export type Persistence = 'close' | 'keep-alive' | undefined

const STATUS_LINES: readonly (Buffer | undefined)[] = Array.from({ length: 600 }, (_, status) =>
  STATUS_CODES[status] === undefined ? undefined : text(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`),
)

/**
 * Writes heads as HTTP/1.1 text, and checks every octet on its way out: whatever protocol a field came in by, nothing leaves that
 * could be read as another line or another message. Each method returns false, with nothing sent, for what cannot be said.
 */
export class HeadText {
  /** Written into: the output's slab, or `#spill` from where a head does not fit on. */
  #bytes: Buffer = NO_BYTES
  #at = 0
  #start = 0
  #limit = 0
  #spill: Buffer = NO_BYTES
  #sound = true
  #takesTrailers = false
  readonly #cursor = new FieldCursor()
  /** What blocks that go with many requests are as text. */
  readonly #texts = new WeakMap<Buffer, Buffer>()

  /** A request; `length` is its `content-length`, -1 for none, `host` the authority of one that names none. */
  request(head: Head, extra: Buffer, form: BodyFormCode, length: number, host: string, output: Output): boolean {
    this.#begin(output)
    this.#requestLine(head)
    this.#authority(head, host)
    const crumbs = this.#fields(head.block, head.length, true)
    this.#repeated(extra)
    if (crumbs > 0) this.#cookie(head)
    this.#frame(form, length)
    if (head.upgrade !== '') this.#upgrade(head.upgrade)
    else if (this.#takesTrailers) this.#put(CONNECTION_TE)
    return this.#finish(output)
  }

  /** A final or interim response; `length` is its `content-length`, of what a HEAD or a 304 leaves out too, -1 for none. */
  response(
    head: Head,
    extra: Buffer,
    form: BodyFormCode,
    length: number,
    persistence: Persistence,
    output: Output,
  ): boolean {
    this.#begin(output)
    const line = STATUS_LINES[head.status]
    if (line) this.#put(line)
    else this.#put(text(`HTTP/1.1 ${head.status} \r\n`))
    this.#fields(head.block, head.length, false)
    this.#fields(extra, extra.length, false)
    this.#frame(form, length)
    if (head.status === 101) this.#upgrade(head.upgrade)
    if (persistence === 'close') this.#put(CLOSE)
    else if (persistence === 'keep-alive') this.#put(KEEP_ALIVE)
    return this.#finish(output)
  }

  /** The trailer section, with the line that ends it. */
  trailers(head: Head, output: Output): boolean {
    this.#begin(output)
    this.#fields(head.block, head.length, false)
    return this.#finish(output)
  }

  #begin(output: Output): void {
    output.ensure(COMMON_SIZE)
    this.#bytes = output.bytes
    this.#at = this.#start = output.position
    this.#limit = output.position + output.room
    this.#sound = true
    this.#takesTrailers = false
  }

  /** What is not sound stays where it is, to be overwritten. */
  #finish(output: Output): boolean {
    if (!this.#sound) return false
    this.#put(CRLF)
    if (this.#bytes === this.#spill) output.write(this.#spill, 0, this.#at)
    else output.position = this.#at
    return true
  }

  #requestLine(head: Head): void {
    if (!this.#seek(head, METHOD)) return
    const methodAt = this.#length
    this.#value(NAME_OCTETS)
    if (this.#length === methodAt) this.#sound = false
    this.#put(BLANK)
    if (!this.#seek(head, PATH)) return
    const pathAt = this.#length
    this.#value(TARGET_OCTETS)
    if (this.#length === pathAt) this.#sound = false
    this.#put(HTTP11)
  }

  #authority(head: Head, host: string): void {
    this.#put(HOST)
    const from = this.#length
    const cursor = this.#cursor.at(head.block, head.length)
    let more = cursor.next()
    while (more && cursor.nameIndex !== AUTHORITY.index) more = cursor.next()
    if (more) this.#value(VALUE_OCTETS)
    else this.#put(text(host))
    if (!isAuthority(this.#bytes, this.#start + from, this.#at)) this.#sound = false
    this.#put(CRLF)
  }

  /** Of the head so far. */
  get #length(): number {
    return this.#at - this.#start
  }

  /** Puts the cursor on a field that must be there. */
  #seek(head: Head, name: Name): boolean {
    const cursor = this.#cursor.at(head.block, head.length)
    while (cursor.next()) if (cursor.nameIndex === name.index) return true
    this.#sound = false
    return false
  }

  /** All fields but those with a place or form of their own. Returns the number of cookie fields left out (of a request). */
  #fields(block: Buffer, length: number, isRequest: boolean): number {
    const cursor = this.#cursor
    let crumbs = 0
    for (let at = 0; at < length;) {
      const next = this.#plainLine(block, at)
      if (next > 0) {
        at = next
        continue
      }
      cursor.at(block, length, at).next()
      at = cursor.end
      const index = cursor.nameIndex
      if (index === 0) {
        if (!this.#isEndToEnd(cursor)) continue
        if (isRequest && cursor.is(TE)) this.#takesTrailers = true
      } else if (index <= LAST_PSEUDO || index === LENGTH.index) continue
      else if (index === COOKIE.index && isRequest) {
        crumbs++
        continue
      } else if (index === STATIC_CODING || index === STATIC_HOST) {
        this.#sound = false
        continue
      }
      this.#line(cursor)
    }
    return crumbs
  }

  /** The fields of a block that is never changed and goes with many requests: its text is made once. */
  #repeated(block: Buffer): void {
    if (block.length === 0) return
    const known = this.#texts.get(block)
    if (known !== undefined) return this.#put(known)
    const from = this.#length
    this.#fields(block, block.length, false)
    if (!this.#sound) return
    this.#texts.set(block, Buffer.from(this.#bytes.subarray(this.#start + from, this.#at)))
  }

  /**
   * Most fields are literals with a short plain value and mean nothing here. Writes such a one at `at`, and returns where the next
   * begins; 0 for all others, having done nothing.
   */
  #plainLine(block: Buffer, at: number): number {
    const first = block[at]!
    if ((first & 0x80) !== 0) return 0
    let from = at + 1
    let index = first & 0x0f
    if (index === 0x0f) index += block[from++]!
    let name = block
    let nameFrom = 0
    let nameLength: number
    if (index === 0) {
      nameLength = block[from]!
      if (nameLength === 0 || nameLength >= LONG || SPECIAL_LENGTHS[nameLength] === 1) return 0
      nameFrom = from + 1
      from = nameFrom + nameLength
    } else {
      if (SPECIAL_INDEXES[index] === 1) return 0
      name = STATIC_NAMES[index]!.bytes
      nameLength = name.length
    }
    const length = block[from++]!
    if (length >= LONG) return 0
    this.#room(nameLength + length + COLON_SPACE.length + CRLF.length)
    const bytes = this.#bytes
    let to = this.#at
    let sound = 1
    for (let i = nameFrom; i < nameFrom + nameLength; i++) {
      const octet = name[i]!
      if (NAME_OCTETS[octet] === 0) sound = 0
      bytes[to++] = octet
    }
    bytes[to++] = COLON
    bytes[to++] = SPACE
    const end = from + length
    for (let i = from; i < end; i++) {
      const octet = block[i]!
      sound &= VALUE_OCTETS[octet]!
      bytes[to++] = octet
    }
    bytes[to++] = CR
    bytes[to++] = LF
    this.#at = to
    if (sound === 0) this.#sound = false
    return end
  }

  #line(cursor: FieldCursor): void {
    const { nameBytes, nameStart, nameEnd } = cursor
    this.#room(nameEnd - nameStart + COLON_SPACE.length)
    const bytes = this.#bytes
    let at = this.#at
    let bad = nameEnd === nameStart
    for (let i = nameStart; i < nameEnd; i++) {
      const octet = nameBytes[i]!
      if (NAME_OCTETS[octet] === 0) bad = true
      bytes[at++] = octet
    }
    if (bad) this.#sound = false
    bytes[at++] = COLON
    bytes[at++] = SPACE
    this.#at = at
    this.#value(VALUE_OCTETS)
    this.#put(CRLF)
  }

  /** The value at the cursor, whose octets must all be allowed by the table. */
  #value(allowed: Uint8Array): void {
    const cursor = this.#cursor
    this.#room(cursor.valueRoom + CRLF.length)
    const bytes = this.#bytes
    const start = this.#at
    let bad = 0
    if (cursor.huffman) {
      const end = cursor.copyValue(bytes, start)
      if (end < 0) {
        this.#sound = false
        return
      }
      for (let i = start; i < end; i++) if (allowed[bytes[i]!] === 0) bad = 1
      this.#at = end
    } else {
      const { valueBytes, valueEnd } = cursor
      let at = start
      for (let i = cursor.valueStart; i < valueEnd; i++) {
        const octet = valueBytes[i]!
        if (allowed[octet] === 0) bad = 1
        bytes[at++] = octet
      }
      this.#at = at
    }
    if (bad !== 0) this.#sound = false
  }

  /** "the crumbs MUST be concatenated … using the two-octet delimiter of 0x3b, 0x20" (RFC 9113 §8.2.3). */
  #cookie(head: Head): void {
    const cursor = this.#cursor.at(head.block, head.length)
    let separator = COOKIE_LINE
    while (cursor.next()) {
      if (cursor.nameIndex !== COOKIE.index) continue
      this.#put(separator)
      this.#value(VALUE_OCTETS)
      separator = CRUMB
    }
    this.#put(CRLF)
  }

  #frame(form: BodyFormCode, length: number): void {
    if (form === BodyForm.CHUNKED) this.#put(CHUNKED)
    else if (length >= 0) {
      this.#put(CONTENT_LENGTH)
      this.#number(length)
      this.#put(CRLF)
    }
  }

  #upgrade(protocol: string): void {
    this.#put(CONNECTION_UPGRADE)
    const from = this.#length
    this.#put(text(protocol))
    for (let i = this.#start + from; i < this.#at; i++) if (VALUE_OCTETS[this.#bytes[i]!] === 0) this.#sound = false
    this.#put(CRLF)
  }

  #number(value: number): void {
    this.#room(20)
    let digits = 1
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++
    this.#at += digits
    let at = this.#at
    for (let rest = value, i = 0; i < digits; i++) {
      const tens = Math.floor(rest / 10)
      this.#bytes[--at] = 0x30 + (rest - tens * 10)
      rest = tens
    }
  }

  #put(piece: Buffer): void {
    this.#room(piece.length)
    const bytes = this.#bytes
    const { length } = piece
    const at = this.#at
    if (length > BULK) piece.copy(bytes, at)
    else for (let i = 0; i < length; i++) bytes[at + i] = piece[i]!
    this.#at = at + length
  }

  #room(more: number): void {
    if (this.#at + more <= this.#limit) return
    const length = this.#at - this.#start
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * length, length + more))
    this.#bytes.copy(grown, 0, this.#start, this.#at)
    this.#bytes = this.#spill = grown
    this.#start = 0
    this.#at = length
    this.#limit = grown.length
  }

  #isEndToEnd(cursor: FieldCursor): boolean {
    const { nameBytes, nameStart, nameEnd } = cursor
    if (SPECIAL_LENGTHS[nameEnd - nameStart] !== 1) return true
    const name = readName(nameBytes, nameStart, nameEnd, NameForm.PLAIN)
    return typeof name !== 'number' && !isConnectionSpecific(name.kind)
  }
}
