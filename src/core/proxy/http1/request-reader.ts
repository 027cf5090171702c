import { FieldBlockWriter } from '../http/field-block.js'
import { Head, Method } from '../http/head.js'
import { isConnectionSpecific, type Name, NameKind, nameOf } from '../http/names.js'
import { isGrpcType, methodOf, parseGrpcTimeout } from '../http/values.js'
import { FieldLines } from './field-lines.js'
import { Framing, skipZeros } from './framing.js'
import { RequestLine } from './start-line.js'
import { CR, Fault, INCOMPLETE, isAuthority, isText, LF, REFUSED } from './syntax.js'
import { protocolOf, saysTrailers } from './tokens.js'

const NO_HOST = new Fault(400, 'no host')
const HOST_TWICE = new Fault(400, 'more than one host')
const BAD_HOST = new Fault(400, 'malformed host')
const BAD_ASTERISK = new Fault(400, 'target * with a method other than OPTIONS')
const NO_CONNECT = new Fault(501, 'CONNECT is not supported')
const TRACE_BODY = new Fault(400, 'TRACE with a body')
const BAD_EXPECT = new Fault(417, 'expectation other than 100-continue')
const HEAD_TOO_LARGE = new Fault(431, 'header section too large')
const TARGET_TOO_LONG = new Fault(414, 'request line too long')

const METHOD = nameOf(':method')
const AUTHORITY = nameOf(':authority')
const PATH = nameOf(':path')
const INDEXED_GET = 2
const INDEXED_POST = 3
const INDEXED_ROOT = 4
const INDEXED_HTTP = 6
const INDEXED_HTTPS = 7

const CONTINUE = Buffer.from('100-continue')
const TRAILERS = Buffer.from('trailers')
const ROOT_AND_ASTERISK = Buffer.from('/*')

export interface RequestReaderOptions {
  readonly scheme: 'http' | 'https'
  /** Keeps what the client says in `forwarded`, `x-forwarded-*` and `x-real-ip`. */
  readonly trusted: boolean
  readonly maxFields: number
  /** Of a request line and header section. */
  readonly maxBytes: number
}

/**
 * Reads request heads (RFC 9112 §2–§3, §5) into a `Head`. In any doubt about where the message ends or whom it is for, it is
 * refused: what is let through has one reading only.
 */
export class RequestReader {
  /** The request last read; its block is valid until the next `read`. */
  readonly head = new Head()
  readonly framing = new Framing()
  /** It came as HTTP/1.0. */
  isOld = false
  fault: Fault = NO_HOST
  readonly #options: RequestReaderOptions
  readonly #line = new RequestLine()
  readonly #lines: FieldLines
  readonly #writer = new FieldBlockWriter()
  #hostAt = -1

  constructor(options: RequestReaderOptions) {
    this.#options = options
    this.#lines = new FieldLines(options.maxFields, options.maxBytes)
  }

  /** Reads a head at `at`. Returns where it ends, or INCOMPLETE, or REFUSED. */
  read(bytes: Buffer, at: number, end: number): number {
    const limit = Math.min(end, at + this.#options.maxBytes)
    const next = this.#read(bytes, at, limit)
    return next === INCOMPLETE && limit < end ? this.#refuse(this.#excess(bytes, at)) : next
  }

  #read(bytes: Buffer, start: number, end: number): number {
    let at = start
    // "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line" (RFC 9112 §2.2).
    if (at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF) at += 2
    if (at === end || (bytes[at] === CR && at + 1 === end && at === start)) return INCOMPLETE
    const line = this.#line
    at = line.read(bytes, at, end)
    if (at < 0) return at === REFUSED ? this.#refuse(line.fault) : at
    const lines = this.#lines
    at = lines.read(bytes, at, end)
    if (at < 0) return at === REFUSED ? this.#refuse(lines.fault) : at
    this.isOld = line.isOld
    const fault = this.framing.read(lines, bytes, line.isOld) ?? this.#interpret(bytes)
    return fault ? this.#refuse(fault) : at
  }

  #interpret(bytes: Buffer): Fault | undefined {
    const { head, framing } = this
    const line = this.#line
    head.clear()
    head.method = methodOf(bytes, line.methodFrom, line.methodTo)
    head.contentLength = framing.length
    if (head.method === Method.CONNECT) return NO_CONNECT
    if (line.isAsterisk && head.method !== Method.OPTIONS) return BAD_ASTERISK
    if (head.method === Method.TRACE && (framing.chunked || framing.length > 0)) return TRACE_BODY
    const fault = this.#findHost(bytes)
    if (fault) return fault
    this.#writer.clear()
    this.#writePseudo(bytes)
    return this.#writeFields(bytes)
  }

  /** "A server MUST respond with 400 to any HTTP/1.1 request [with no, several or an invalid Host]" (RFC 9112 §3.2). */
  #findHost(bytes: Buffer): Fault | undefined {
    const { names, from, to, count } = this.#lines
    this.#hostAt = -1
    for (let i = 0; i < count; i++) {
      if (names[i]!.kind !== NameKind.HOST) continue
      if (this.#hostAt >= 0) return HOST_TWICE
      if (!isAuthority(bytes, from[i]!, to[i]!)) return BAD_HOST
      this.#hostAt = i
    }
    return this.#hostAt < 0 && !this.isOld ? NO_HOST : undefined
  }

  #writePseudo(bytes: Buffer): void {
    const line = this.#line
    const writer = this.#writer
    const { method } = this.head
    if (method === Method.GET) writer.indexed(INDEXED_GET)
    else if (method === Method.POST) writer.indexed(INDEXED_POST)
    else writer.literal(METHOD, bytes, line.methodFrom, line.methodTo, false, false)
    writer.indexed(this.#options.scheme === 'http' ? INDEXED_HTTP : INDEXED_HTTPS)
    // "When a proxy receives a request with an absolute-form of request-target, the proxy MUST ignore the received Host" (§3.2.2).
    if (line.authorityTo > line.authorityFrom)
      writer.literal(AUTHORITY, bytes, line.authorityFrom, line.authorityTo, false, false)
    else if (this.#hostAt >= 0) {
      const host = this.#hostAt
      writer.literal(AUTHORITY, bytes, this.#lines.from[host]!, this.#lines.to[host]!, false, false)
    }
    this.#writePath(bytes)
  }

  #writePath(bytes: Buffer): void {
    const { pathFrom, pathTo } = this.#line
    const writer = this.#writer
    const first = bytes[pathFrom]
    if (pathTo === pathFrom) {
      // An absolute target without a path: `*` for OPTIONS, else the root (RFC 9112 §3.2.4, §3.2.1).
      if (this.head.method === Method.OPTIONS) writer.literal(PATH, ROOT_AND_ASTERISK, 1, 2, false, false)
      else writer.indexed(INDEXED_ROOT)
    } else if (first === 0x3f) {
      const path = Buffer.concat([ROOT_AND_ASTERISK.subarray(0, 1), bytes.subarray(pathFrom, pathTo)])
      writer.literal(PATH, path, 0, path.length, false, false)
    } else if (pathTo === pathFrom + 1 && first === 0x2f) writer.indexed(INDEXED_ROOT)
    else writer.literal(PATH, bytes, pathFrom, pathTo, false, false)
  }

  #writeFields(bytes: Buffer): Fault | undefined {
    const { names, from, to, count } = this.#lines
    for (let i = 0; i < count; i++) {
      const fault = this.#writeField(names[i]!, bytes, from[i]!, to[i]!)
      if (fault) return fault
    }
    this.head.block = this.#writer.buffer
    this.head.length = this.#writer.length
    return undefined
  }

  #writeField(name: Name, bytes: Buffer, from: number, to: number): Fault | undefined {
    const { head, framing } = this
    const { kind } = name
    if (isConnectionSpecific(kind)) {
      if (kind === NameKind.UPGRADE && framing.upgrade) this.#readUpgrade(bytes, from, to)
      return undefined
    }
    switch (kind) {
      case NameKind.HOST:
        return undefined
      case NameKind.CONTENT_LENGTH:
        this.#writer.literal(name, bytes, skipZeros(bytes, from, to), to, false, false)
        return undefined
      case NameKind.TE:
        if (saysTrailers(bytes, from, to)) this.#writer.literal(name, TRAILERS, 0, TRAILERS.length, false, false)
        return undefined
      case NameKind.FORWARDED:
        if (!this.#options.trusted) return undefined
        break
      case NameKind.EXPECT:
        // "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation" (RFC 9110 §10.1.1).
        if (this.isOld) return undefined
        if (!isText(bytes, from, to, CONTINUE)) return BAD_EXPECT
        head.expectsContinue = true
        break
      case NameKind.CONTENT_TYPE:
        head.isGrpc = isGrpcType(bytes, from, to)
        break
      case NameKind.GRPC_TIMEOUT:
        head.timeoutMs = parseGrpcTimeout(bytes, from, to)
        break
      default:
        if (framing.takes(name)) return undefined
    }
    this.#writer.literal(name, bytes, from, to, false, false)
    return undefined
  }

  /**
   * An upgrade is an offer that may be ignored (RFC 9110 §7.8). One with a body is, because the body would have to be told from the
   * tunnel; so is `h2c`, which would carry requests past the proxy.
   */
  #readUpgrade(bytes: Buffer, from: number, to: number): void {
    if (this.isOld || this.framing.chunked || this.framing.length > 0) return
    this.head.upgrade = protocolOf(bytes, from, to)
  }

  #excess(bytes: Buffer, at: number): Fault {
    const line = bytes.indexOf(LF, at + 2)
    return line < 0 || line - at > this.#options.maxBytes ? TARGET_TOO_LONG : HEAD_TOO_LARGE
  }

  #refuse(fault: Fault): number {
    this.fault = fault
    return REFUSED
  }
}
