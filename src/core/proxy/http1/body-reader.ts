import type { Head } from '../http/head.js'
import { NO_BYTES } from '../transport/no-bytes.js'
import type { TrailerReader } from './trailer-reader.js'
import { CR, Fault, hexDigit, INCOMPLETE, LF, REFUSED, VALUE_OCTETS } from './syntax.js'

const BAD_SIZE = new Fault(400, 'malformed chunk size')
const BAD_EXTENSION = new Fault(400, 'malformed or too long chunk extension')
const BAD_CHUNK_END = new Fault(400, 'chunk longer than its size')

const SEMICOLON = 0x3b
/** 2^44 octets are more than anybody sends, and exact in a number. */
const MAX_SIZE_DIGITS = 11
/** "A recipient MUST ignore unrecognized chunk extensions" (RFC 9112 §7.1.1), which is no reason to read them for ever. */
const MAX_EXTENSIONS = 4096

const State = {
  SIZE_FIRST: 0,
  SIZE: 1,
  EXTENSION: 2,
  SIZE_LF: 3,
  DATA: 4,
  DATA_CR: 5,
  DATA_LF: 6,
  TRAILERS: 7,
  LENGTH: 8,
  REST: 9,
} as const

/** Hears of a body. */
export interface BodyReceiver {
  /** A piece of it; with `end` it is complete. */
  onBody(bytes: Buffer, offset: number, length: number, end: boolean): void
  /** It is complete, with trailers. */
  onBodyTrailers(trailers: Head): void
}

/** Takes the framing off a body (RFC 9112 §6–§7), whatever pieces it comes in. */
export class BodyReader {
  fault: Fault = BAD_SIZE
  #state: number = State.LENGTH
  /** Octets of the chunk or body to come. */
  #left = 0
  #digits = 0
  #extensions = 0
  readonly #trailers: TrailerReader

  /** `trailers` may be shared: it holds nothing from one call to the next. */
  constructor(trailers: TrailerReader) {
    this.#trailers = trailers
  }

  /** A body of `length` octets, above 0. */
  beginLength(length: number): void {
    this.#state = State.LENGTH
    this.#left = length
  }

  beginChunked(): void {
    this.#state = State.SIZE_FIRST
    this.#left = 0
    this.#extensions = 0
  }

  /** A body that lasts until the connection ends. */
  beginRest(): void {
    this.#state = State.REST
  }

  /** Whether an end of the connection is its end as well. */
  get endsWithConnection(): boolean {
    return this.#state === State.REST
  }

  /**
   * Reads on at `at` until the body or the bytes are over. Returns where it stopped, or REFUSED. It stops short of `end` when
   * the body is complete (the receiver has been told), or when the trailer section is not: that needs all of it at once.
   */
  read(bytes: Buffer, at: number, end: number, receiver: BodyReceiver): number {
    while (at < end) {
      switch (this.#state) {
        case State.REST:
          receiver.onBody(bytes, at, end - at, false)
          return end
        case State.LENGTH: {
          const length = Math.min(this.#left, end - at)
          this.#left -= length
          receiver.onBody(bytes, at, length, this.#left === 0)
          if (this.#left === 0) return at + length
          at += length
          break
        }
        case State.DATA: {
          const length = Math.min(this.#left, end - at)
          this.#left -= length
          if (this.#left === 0) {
            this.#state = State.DATA_CR
            if (endsAt(bytes, at + length, end)) {
              receiver.onBody(bytes, at, length, true)
              return at + length + LAST.length
            }
          }
          receiver.onBody(bytes, at, length, false)
          at += length
          break
        }
        case State.TRAILERS: {
          const next = this.#trailers.read(bytes, at, end)
          if (next === INCOMPLETE) return at
          if (next === REFUSED) return this.#refuse(this.#trailers.fault)
          if (this.#trailers.head.length === 0) receiver.onBody(NO_BYTES, 0, 0, true)
          else receiver.onBodyTrailers(this.#trailers.head)
          return next
        }
        default:
          if (!this.#step(bytes[at++]!)) return REFUSED
      }
    }
    return end
  }

  /** One octet between the chunks' data. */
  #step(octet: number): boolean {
    switch (this.#state) {
      case State.SIZE_FIRST:
      case State.SIZE: {
        const digit = hexDigit(octet)
        if (digit >= 0) return this.#addDigit(digit)
        if (this.#state === State.SIZE_FIRST) return this.#fail(BAD_SIZE)
        if (octet === CR) this.#state = State.SIZE_LF
        else if (octet === SEMICOLON) this.#state = State.EXTENSION
        else return this.#fail(BAD_SIZE)
        return true
      }
      case State.EXTENSION:
        if (octet === CR) this.#state = State.SIZE_LF
        else if (VALUE_OCTETS[octet] === 0 || ++this.#extensions > MAX_EXTENSIONS) return this.#fail(BAD_EXTENSION)
        return true
      case State.SIZE_LF:
        if (octet !== LF) return this.#fail(BAD_SIZE)
        this.#state = this.#left === 0 ? State.TRAILERS : State.DATA
        return true
      case State.DATA_CR:
        if (octet !== CR) return this.#fail(BAD_CHUNK_END)
        this.#state = State.DATA_LF
        return true
      default:
        if (octet !== LF) return this.#fail(BAD_CHUNK_END)
        this.#state = State.SIZE_FIRST
        this.#left = 0
        return true
    }
  }

  #addDigit(digit: number): boolean {
    if (this.#state === State.SIZE_FIRST) this.#digits = 0
    this.#state = State.SIZE
    if (++this.#digits > MAX_SIZE_DIGITS) return this.#fail(BAD_SIZE)
    this.#left = this.#left * 16 + digit
    return true
  }

  #fail(fault: Fault): boolean {
    this.fault = fault
    return false
  }

  #refuse(fault: Fault): number {
    this.fault = fault
    return REFUSED
  }
}

/** What mostly follows the data of the last chunk. */
const LAST = Buffer.from('\r\n0\r\n\r\n')

function endsAt(bytes: Buffer, at: number, end: number): boolean {
  if (end - at < LAST.length) return false
  for (let i = 0; i < LAST.length; i++) if (bytes[at + i] !== LAST[i]) return false
  return true
}
