import { FieldBlockWriter } from '../http/field-block.js'
import { Head } from '../http/head.js'
import { isConnectionSpecific, type Name, NameKind, nameOf } from '../http/names.js'
import { parseGrpcStatus, parseStatus } from '../http/values.js'
import { FieldLines } from './field-lines.js'
import { Framing, skipZeros } from './framing.js'
import { CR, Fault, INCOMPLETE, LF, REFUSED, SPACE, VALUE_OCTETS } from './syntax.js'
import { protocolOf } from './tokens.js'

const BAD_STATUS_LINE = new Fault(502, 'malformed status line')
const BAD_VERSION = new Fault(502, 'HTTP version other than 1.0 and 1.1')
const TOO_LARGE = new Fault(502, 'header section too large')
const CODED_INTERIM = new Fault(502, 'transfer-encoding in a response without a body')
const NO_PROTOCOL = new Fault(502, 'switching protocols without naming one')

const STATUS = nameOf(':status')
const VERSION = Buffer.from('HTTP/1.')
/** What the static table has whole, by status. */
const INDEXED: Readonly<Record<number, number>> = { 200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14 }

/** Reads response heads (RFC 9112 §4–§5) into a `Head`, as strictly as requests: whatever is refused is answered 502. */
export class ResponseReader {
  /** The response last read; its block is valid until the next `read`. */
  readonly head = new Head()
  readonly framing = new Framing()
  /** It came as HTTP/1.0. */
  isOld = false
  fault: Fault = BAD_STATUS_LINE
  readonly #maxBytes: number
  readonly #lines: FieldLines
  readonly #writer = new FieldBlockWriter()
  #statusAt = 0

  constructor(maxFields: number, maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#lines = new FieldLines(maxFields, maxBytes)
  }

  /** Reads a head at `at`. Returns where it ends, or INCOMPLETE, or REFUSED. */
  read(bytes: Buffer, start: number, end: number): number {
    const limit = Math.min(end, start + this.#maxBytes)
    let at = this.#readLine(bytes, start, limit)
    if (at >= 0) {
      at = this.#lines.read(bytes, at, limit)
      if (at === REFUSED) this.fault = this.#lines.fault
    }
    if (at === INCOMPLETE && limit < end) return this.#refuse(TOO_LARGE)
    if (at < 0) return at
    const fault = this.framing.read(this.#lines, bytes, this.isOld) ?? this.#interpret(bytes)
    return fault ? this.#refuse(fault) : at
  }

  #readLine(bytes: Buffer, start: number, end: number): number {
    for (let i = 0; i < VERSION.length; i++) {
      if (start + i === end) return INCOMPLETE
      if (bytes[start + i] !== VERSION[i]) return this.#refuse(BAD_STATUS_LINE)
    }
    let at = start + VERSION.length
    if (end - at < 6) return INCOMPLETE
    const minor = bytes[at]!
    if (minor !== 0x30 && minor !== 0x31) return this.#refuse(BAD_VERSION)
    this.isOld = minor === 0x30
    if (bytes[at + 1] !== SPACE) return this.#refuse(BAD_STATUS_LINE)
    at += 2
    this.#statusAt = at
    const status = parseStatus(bytes, at, at + 3)
    if (status === 0 || status > 599) return this.#refuse(BAD_STATUS_LINE)
    at += 3
    // Some servers leave out the space along with the reason.
    if (bytes[at] !== SPACE && bytes[at] !== CR) return this.#refuse(BAD_STATUS_LINE)
    while (at < end && VALUE_OCTETS[bytes[at]!] === 1) at++
    if (at + 1 >= end) return at === end || bytes[at] === CR ? INCOMPLETE : this.#refuse(BAD_STATUS_LINE)
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return this.#refuse(BAD_STATUS_LINE)
    return at + 2
  }

  #interpret(bytes: Buffer): Fault | undefined {
    const { head, framing } = this
    head.clear()
    const status = parseStatus(bytes, this.#statusAt, this.#statusAt + 3)
    head.status = status
    // "A server MUST NOT send a Transfer-Encoding header field in any response with a status code of 1xx or 204" (RFC 9112 §6.1).
    const bodiless = status < 200 || status === 204
    if (bodiless && framing.chunked) return CODED_INTERIM
    // Nor a content-length (RFC 9110 §8.6): it says nothing and goes no further.
    head.contentLength = bodiless ? -1 : framing.length
    const writer = this.#writer
    writer.clear()
    const index = INDEXED[status]
    if (index === undefined) writer.literal(STATUS, bytes, this.#statusAt, this.#statusAt + 3, false, false)
    else writer.indexed(index)
    const { names, from, to, count } = this.#lines
    for (let i = 0; i < count; i++) this.#writeField(names[i]!, bytes, from[i]!, to[i]!)
    head.block = writer.buffer
    head.length = writer.length
    return status === 101 && head.upgrade === '' ? NO_PROTOCOL : undefined
  }

  #writeField(name: Name, bytes: Buffer, from: number, to: number): void {
    const { head, framing } = this
    const { kind } = name
    if (isConnectionSpecific(kind)) {
      if (kind === NameKind.UPGRADE && framing.upgrade) head.upgrade = protocolOf(bytes, from, to)
      return
    }
    if (kind === NameKind.CONTENT_LENGTH) {
      if (head.contentLength >= 0) this.#writer.literal(name, bytes, skipZeros(bytes, from, to), to, false, false)
      return
    }
    if (kind === NameKind.HOST || kind === NameKind.TE || framing.takes(name)) return
    if (kind === NameKind.GRPC_STATUS) head.grpcStatus = parseGrpcStatus(bytes, from, to)
    this.#writer.literal(name, bytes, from, to, false, false)
  }

  #refuse(fault: Fault): number {
    this.fault = fault
    return REFUSED
  }
}
