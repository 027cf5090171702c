import type { HttpLimits } from '../../http/environment.js'
import { FieldCursor } from '../../http/field-cursor.js'
import { Method, type Head } from '../../http/head.js'
import { isConnectionSpecific, nameOf, NameKind } from '../../http/names.js'
import { MALFORMED_VALUE, NO_TIMEOUT, PATH_ASTERISK, SCHEME_HTTP } from './facts.js'
import type { HeadScratch } from './head-scratch.js'

/** What a header section is: rules differ. */
export const Role = { REQUEST: 0, RESPONSE: 1, TRAILERS: 2 } as const
export type RoleCode = (typeof Role)[keyof typeof Role]

/** What is to be done about a header section. */
export const Verdict = {
  OK: 0,
  /** A stream error of type PROTOCOL_ERROR (RFC 9113 §8.1.1). */
  MALFORMED: 1,
  /** Well formed, but beyond the limits of fields or size: status 431, or a reset. */
  TOO_LARGE: 2,
  /** A connection error of type COMPRESSION_ERROR (RFC 9113 §4.3): nothing that follows could be understood. */
  COMPRESSION_ERROR: 3,
} as const
export type VerdictCode = (typeof Verdict)[keyof typeof Verdict]

const METHOD = 1 << NameKind.METHOD
const SCHEME = 1 << NameKind.SCHEME
const AUTHORITY = 1 << NameKind.AUTHORITY
const PATH = 1 << NameKind.PATH
const STATUS = 1 << NameKind.STATUS
const CONTENT_LENGTH = 1 << NameKind.CONTENT_LENGTH

/** The rules of RFC 9113 §8 for one header section, field by field; fills in the facts of its Head. */
export class HeadRules {
  readonly #maxFields: number
  readonly #maxBytes: number
  readonly #trusted: boolean
  readonly #cursor = new FieldCursor()
  #role: RoleCode = Role.REQUEST
  #head!: Head
  #verdict: VerdictCode = Verdict.OK
  #fields = 0
  #bytes = 0
  /** Kinds that came and may come once, as bits. */
  #seen = 0
  /** A field that is no pseudo-header field has come. */
  #regular = false
  #path = 0
  #scheme = 0
  #host: string | undefined

  reason = ''
  /** The section has a field that nobody but its receiver may keep. */
  isSecret = false

  constructor(limits: HttpLimits, trusted: boolean) {
    this.#maxFields = limits.maxHeadFields
    this.#maxBytes = limits.maxHeadBytes
    this.#trusted = trusted
  }

  start(role: RoleCode, head: Head): void {
    this.#role = role
    this.#head = head
    this.#verdict = Verdict.OK
    this.#fields = 0
    this.#bytes = 0
    this.isSecret = false
    this.#seen = 0
    this.#regular = false
    this.#path = 0
    this.#scheme = 0
    this.#host = undefined
  }

  /** Whether a field that counts for `size` octets may be written: the block has room for it. */
  fits(size: number): boolean {
    return this.#bytes + size <= this.#maxBytes && this.#verdict === Verdict.OK
  }

  /** Takes a field into account; false if it does not go into the block. Never true if it does not fit. */
  accept(kind: number, fact: number, size: number): boolean {
    this.#bytes += size
    if (++this.#fields > this.#maxFields) return this.#refuse(Verdict.TOO_LARGE, 'more fields than allowed')
    if (this.#bytes > this.#maxBytes) return this.#refuse(Verdict.TOO_LARGE, 'larger than allowed')
    if (this.#verdict !== Verdict.OK) return false
    if (fact === MALFORMED_VALUE)
      return this.#malformed(kind === 0 ? 'a name no field may have' : 'a value its field cannot have')
    if (kind < NameKind.HOP_BY_HOP) return this.#pseudo(kind, fact)
    this.#regular = true
    if (kind === NameKind.REGULAR) return true
    return this.#special(kind, fact)
  }

  /** A `host` of a request stands as a field in `bytes[at, at + length)`. */
  host(bytes: Buffer, at: number, length: number): void {
    if (this.#verdict !== Verdict.OK || this.#role !== Role.REQUEST) return
    this.#cursor.at(bytes.subarray(at, at + length), length).next()
    const host = this.#cursor.value
    if (this.#host !== undefined && this.#host !== host) this.#malformed('two hosts')
    this.#host = host
  }

  /** The section is complete, its block in `scratch` up to `length`. */
  finish(scratch: HeadScratch, length: number): VerdictCode {
    this.#head.length = length
    if (this.#verdict !== Verdict.OK || this.#role === Role.TRAILERS) return this.#verdict
    if (this.#role === Role.RESPONSE) {
      if ((this.#seen & STATUS) === 0) this.#malformed('no :status')
      return this.#verdict
    }
    if (this.#host !== undefined) this.#reconcile(scratch)
    const needed = METHOD | SCHEME | PATH
    if (this.#head.method === Method.CONNECT) {
      // "The :scheme and :path pseudo-header fields MUST be omitted." (RFC 9113 §8.5)
      if ((this.#seen & needed) !== METHOD || (this.#seen & AUTHORITY) === 0)
        this.#malformed('a CONNECT that names no tunnel')
    } else if ((this.#seen & needed) !== needed) this.#malformed('pseudo-header fields missing')
    // "the request MUST contain either an :authority pseudo-header field or a Host header field" (RFC 9113 §8.3.1)
    else if (this.#scheme === SCHEME_HTTP && (this.#seen & AUTHORITY) === 0) this.#malformed('no authority')
    else if (this.#path === PATH_ASTERISK && this.#head.method !== Method.OPTIONS) this.#malformed('a path of *')
    return this.#verdict
  }

  #pseudo(kind: number, fact: number): boolean {
    const bit = 1 << kind
    if (this.#regular) return this.#malformed('a pseudo-header field behind others')
    if ((this.#seen & bit) !== 0) return this.#malformed('a pseudo-header field twice')
    this.#seen |= bit
    if (kind === NameKind.OTHER_PSEUDO || this.#role !== (kind === NameKind.STATUS ? Role.RESPONSE : Role.REQUEST))
      return this.#malformed('a pseudo-header field that does not belong there')
    if (kind === NameKind.METHOD) this.#head.method = fact as Head['method']
    else if (kind === NameKind.PATH) this.#path = fact
    else if (kind === NameKind.SCHEME) this.#scheme = fact
    else if (kind === NameKind.STATUS) this.#head.status = fact
    return true
  }

  #special(kind: number, fact: number): boolean {
    if (kind === NameKind.SECRET || kind === NameKind.COOKIE) this.isSecret = true
    if (isConnectionSpecific(kind)) return this.#malformed('a connection-specific field')
    const head = this.#head
    const role = this.#role
    if (role === Role.TRAILERS) {
      // What frames, routes or authenticates a message "MUST NOT" be in trailers (RFC 9110 §6.5.1): nobody may go by it.
      if (kind === NameKind.GRPC_STATUS) head.grpcStatus = fact
      else if (kind === NameKind.TE) return this.#malformed('te in trailers')
      return kind >= NameKind.GRPC_TIMEOUT || kind === NameKind.CONTENT_TYPE
    }
    switch (kind) {
      case NameKind.HOST:
        return role === Role.RESPONSE
      case NameKind.TE:
        return role === Role.REQUEST || this.#malformed('te in a response')
      case NameKind.CONTENT_LENGTH:
        if ((this.#seen & CONTENT_LENGTH) !== 0) return this.#malformed('content-length twice')
        this.#seen |= CONTENT_LENGTH
        head.contentLength = fact
        return true
      case NameKind.CONTENT_TYPE:
        if (role === Role.REQUEST) head.isGrpc = fact === 1
        return true
      case NameKind.EXPECT:
        if (role === Role.REQUEST) head.expectsContinue = fact === 1
        return true
      case NameKind.FORWARDED:
        return this.#trusted || role === Role.RESPONSE
      case NameKind.GRPC_TIMEOUT:
        if (role === Role.REQUEST && fact !== NO_TIMEOUT) head.timeoutMs = fact
        return true
      case NameKind.GRPC_STATUS:
        if (role === Role.RESPONSE) head.grpcStatus = fact
        return true
      default:
        return true
    }
  }

  /**
   * A request names its authority once: in `:authority`, which a `host` beside it must agree with (RFC 9113 §8.3.1), else made
   * of `host`.
   */
  #reconcile(scratch: HeadScratch): void {
    const host = this.#host!
    const head = this.#head
    if ((this.#seen & AUTHORITY) !== 0) {
      const cursor = this.#cursor.at(scratch.bytes, head.length)
      while (cursor.next() && !cursor.is(NAME_AUTHORITY));
      if (cursor.value.toLowerCase() !== host.toLowerCase()) this.#malformed('a host other than its :authority')
      return
    }
    this.#seen |= AUTHORITY
    const block = Buffer.from(scratch.bytes.subarray(0, head.length))
    let at = scratch.length(scratch.name(0, NAME_AUTHORITY, false), host.length, 0)
    at += scratch.bytes.write(host, at, 'latin1')
    head.length = at + block.copy(scratch.bytes, at)
  }

  #malformed(what: string): false {
    return this.#refuse(Verdict.MALFORMED, what)
  }

  #refuse(verdict: VerdictCode, what: string): false {
    if (this.#verdict !== Verdict.OK) return false
    this.#verdict = verdict
    this.reason = `a header section with ${what}`
    return false
  }
}

const NAME_AUTHORITY = nameOf(':authority')
