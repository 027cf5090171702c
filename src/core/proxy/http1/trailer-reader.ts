import { FieldBlockWriter } from '../http/field-block.js'
import { Head } from '../http/head.js'
import { isConnectionSpecific, type Name, NameKind } from '../http/names.js'
import { parseGrpcStatus } from '../http/values.js'
import { FieldLines } from './field-lines.js'
import { Fault, INCOMPLETE, REFUSED } from './syntax.js'

const FRAMING = new Fault(400, 'framing field in a trailer section')
const TOO_LARGE = new Fault(431, 'trailer section too large')

/**
 * Fields that mean something before the content only, or that a recipient would have acted upon by now: "framing, routing,
 * request modifiers, authentication, response control data, content format" (RFC 9110 §6.5.1). Dropped from trailers.
 */
const HEADERS_ONLY: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'expires',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'retry-after',
  'set-cookie',
  'te',
  'trailer',
  'vary',
  'via',
  'warning',
  'www-authenticate',
])

/** Reads the trailer section of a chunked body (RFC 9112 §7.1.2) into a `Head`. */
export class TrailerReader {
  /** The trailers last read; their block is valid until the next `read`. */
  readonly head = new Head()
  fault: Fault = FRAMING
  readonly #maxBytes: number
  readonly #lines: FieldLines
  readonly #writer = new FieldBlockWriter(256)

  constructor(maxFields: number, maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#lines = new FieldLines(maxFields, maxBytes)
  }

  /** Reads up to and with the empty line. Returns where that ends, or INCOMPLETE, or REFUSED. Without a field left, `head` is empty. */
  read(bytes: Buffer, start: number, end: number): number {
    const limit = Math.min(end, start + this.#maxBytes)
    const at = this.#lines.read(bytes, start, limit)
    if (at === REFUSED) return this.#refuse(this.#lines.fault.status === 431 ? TOO_LARGE : this.#lines.fault)
    if (at === INCOMPLETE) return limit < end ? this.#refuse(TOO_LARGE) : at
    this.head.clear()
    this.#writer.clear()
    const { names, from, to, count } = this.#lines
    for (let i = 0; i < count; i++) {
      const name = names[i]!
      // "A sender MUST NOT generate" them there (RFC 9110 §6.5.1); a recipient that merged them would frame the message anew.
      if (isFraming(name)) return this.#refuse(FRAMING)
      if (isHeaderOnly(name)) continue
      if (name.kind === NameKind.GRPC_STATUS) this.head.grpcStatus = parseGrpcStatus(bytes, from[i]!, to[i]!)
      this.#writer.literal(name, bytes, from[i]!, to[i]!, false, false)
    }
    this.head.block = this.#writer.buffer
    this.head.length = this.#writer.length
    return at
  }

  #refuse(fault: Fault): number {
    this.fault = fault
    return REFUSED
  }
}

function isFraming({ kind }: Name): boolean {
  return kind === NameKind.TRANSFER_ENCODING || kind === NameKind.CONTENT_LENGTH || kind === NameKind.HOST
}

function isHeaderOnly({ kind, text }: Name): boolean {
  return isConnectionSpecific(kind) || kind === NameKind.FORWARDED || HEADERS_ONLY.has(text)
}
