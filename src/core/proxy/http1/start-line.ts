import { CR, Fault, INCOMPLETE, isAuthority, isText, LF, NAME_OCTETS, REFUSED, SPACE, TARGET_OCTETS } from './syntax.js'

const BAD_METHOD = new Fault(400, 'malformed method')
const BAD_TARGET = new Fault(400, 'malformed request target')
const BAD_VERSION = new Fault(400, 'malformed HTTP version')
const OTHER_VERSION = new Fault(505, 'HTTP version that is not supported')
const BAD_LINE_END = new Fault(400, 'malformed end of the request line')

const HTTP = Buffer.from('http')
const HTTPS = Buffer.from('https')
/** `HTTP/1.x` without the last digit. */
const VERSION = Buffer.from('HTTP/1.')
const SLASH = 0x2f
const STAR = 0x2a
const QUESTION = 0x3f

/** Where the parts of a request line are (RFC 9112 §3). */
export class RequestLine {
  methodFrom = 0
  methodTo = 0
  pathFrom = 0
  /** Equal to `pathFrom` where an absolute target has no path. */
  pathTo = 0
  /** An absolute target's authority; empty for other forms. */
  authorityFrom = 0
  authorityTo = 0
  /** `*` as the whole target. */
  isAsterisk = false
  /** HTTP/1.0. */
  isOld = false
  fault: Fault = BAD_METHOD

  /** Reads one line at `at`; returns where the next one begins, or INCOMPLETE, or REFUSED. */
  read(bytes: Buffer, at: number, end: number): number {
    const start = at
    while (at < end && NAME_OCTETS[bytes[at]!] !== 0) at++
    if (at === end) return INCOMPLETE
    if (at === start || bytes[at] !== SPACE) return this.#refuse(BAD_METHOD)
    this.methodFrom = start
    this.methodTo = at++
    const target = at
    while (at < end && TARGET_OCTETS[bytes[at]!] === 1) at++
    if (at === end) return INCOMPLETE
    if (at === target || bytes[at] !== SPACE) return this.#refuse(BAD_TARGET)
    if (!this.#split(bytes, target, at)) return this.#refuse(BAD_TARGET)
    return this.#version(bytes, at + 1, end)
  }

  #version(bytes: Buffer, from: number, end: number): number {
    const digit = from + VERSION.length
    for (let i = from; i < digit - 2; i++) {
      if (i === end) return INCOMPLETE
      if (bytes[i] !== VERSION[i - from]) return this.#refuse(BAD_VERSION)
    }
    if (digit + 2 >= end) return INCOMPLETE
    const major = bytes[digit - 2]!
    const minor = bytes[digit]!
    if (!isDigit(major) || bytes[digit - 1] !== 0x2e || !isDigit(minor)) return this.#refuse(BAD_VERSION)
    if (bytes[digit + 1] !== CR || bytes[digit + 2] !== LF) return this.#refuse(BAD_LINE_END)
    if (major !== 0x31) return this.#refuse(OTHER_VERSION)
    if (minor > 0x31) return this.#refuse(BAD_VERSION)
    this.isOld = minor === 0x30
    return digit + 3
  }

  /** Tells the forms of a target apart (RFC 9112 §3.2). The authority form is for CONNECT alone, which is not relayed. */
  #split(bytes: Buffer, from: number, to: number): boolean {
    this.authorityFrom = this.authorityTo = from
    this.pathFrom = from
    this.pathTo = to
    this.isAsterisk = to === from + 1 && bytes[from] === STAR
    if (bytes[from] === SLASH || this.isAsterisk) return true
    let at = from
    while (at < to && bytes[at] !== 0x3a) at++
    if (!isText(bytes, from, at, HTTP) && !isText(bytes, from, at, HTTPS)) return this.#isConnect(bytes)
    if (bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH || at + 2 >= to) return false
    at += 3
    this.authorityFrom = at
    while (at < to && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++
    this.authorityTo = this.pathFrom = at
    return isAuthority(bytes, this.authorityFrom, at)
  }

  /** It is refused all the same, but for what it is. */
  #isConnect(bytes: Buffer): boolean {
    return bytes.toString('latin1', this.methodFrom, this.methodTo) === 'CONNECT'
  }

  #refuse(fault: Fault): number {
    this.fault = fault
    return REFUSED
  }
}

function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39
}
