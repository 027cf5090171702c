import { NameForm, readName } from '../http/name-table.js'
import { type Name, NameKind } from '../http/names.js'
import { parseDecimal } from '../http/values.js'
import type { FieldLines } from './field-lines.js'
import { Fault, isText, SPACE, TAB } from './syntax.js'

const LENGTH_TWICE = new Fault(400, 'more than one content-length')
const BAD_LENGTH = new Fault(400, 'malformed content-length')
const BOTH = new Fault(400, 'both transfer-encoding and content-length')
const CODING_TWICE = new Fault(400, 'more than one transfer-encoding')
const BAD_CODING = new Fault(400, 'transfer-encoding other than chunked')
const UNKNOWN_CODING = new Fault(501, 'transfer coding that is not supported')
const OLD_CODING = new Fault(400, 'transfer-encoding in HTTP/1.0')
const BAD_OPTION = new Fault(400, 'malformed connection option')

const CHUNKED = Buffer.from('chunked')
const COMMA = 0x2c
const ZERO = 0x30

/**
 * What the fields of a message say about its end, its connection and the fields that go no further: the part of a head that is
 * acted upon here and made anew for the next hop (RFC 9112 §6, §9).
 */
export class Framing {
  chunked = false
  /** `content-length`, -1 where absent. */
  length = -1
  close = false
  keepAlive = false
  upgrade = false
  /** Fields that `connection` names besides. */
  readonly named: Name[] = []

  /** Reads the fields; says what is wrong with them, or undefined. `isOld`: the message is HTTP/1.0. */
  read(lines: FieldLines, bytes: Buffer, isOld: boolean): Fault | undefined {
    this.chunked = this.close = this.keepAlive = this.upgrade = false
    this.length = -1
    this.named.length = 0
    let coded = false
    for (let i = 0; i < lines.count; i++) {
      const from = lines.from[i]!
      const to = lines.to[i]!
      let fault: Fault | undefined
      switch (lines.names[i]!.kind) {
        case NameKind.CONTENT_LENGTH:
          // Equal values might be read as one (RFC 9110 §8.6); whoever sends several is not to be trusted with either.
          fault = this.length >= 0 ? LENGTH_TWICE : this.#readLength(bytes, from, to)
          break
        case NameKind.TRANSFER_ENCODING:
          fault = coded ? CODING_TWICE : this.#readCoding(bytes, from, to)
          coded = true
          break
        case NameKind.CONNECTION:
          fault = this.#readConnection(bytes, from, to)
          break
        default:
      }
      if (fault) return fault
    }
    if (!coded) return undefined
    // "A server MAY reject a request that contains both"; "[it] MUST close the connection after" (RFC 9112 §6.1).
    if (this.length >= 0) return BOTH
    // "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST treat the message
    // as if the framing is faulty" (RFC 9112 §6.1).
    return isOld ? OLD_CODING : undefined
  }

  /** Whether `connection` takes this field out of the message. What proxies and servers go by stays in whoever names it. */
  takes(name: Name): boolean {
    if (this.named.length === 0 || name.kind !== NameKind.REGULAR) return false
    return this.named.some(({ text }) => text === name.text)
  }

  #readLength(bytes: Buffer, from: number, to: number): Fault | undefined {
    const start = skipZeros(bytes, from, to)
    this.length = parseDecimal(bytes, start, to)
    return this.length < 0 ? BAD_LENGTH : undefined
  }

  #readCoding(bytes: Buffer, from: number, to: number): Fault | undefined {
    this.chunked = isText(bytes, from, to, CHUNKED)
    if (this.chunked) return undefined
    const comma = bytes.subarray(from, to).lastIndexOf(COMMA)
    if (comma < 0) return BAD_CODING
    // "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501" (RFC 9112 §6.1).
    const codings = bytes.toString('latin1', from, to).toLowerCase().split(',')
    const last = codings.pop()!.trim()
    const others = codings.map((coding) => coding.trim())
    const wellFormed = last === 'chunked' && others.every((coding) => coding !== '' && coding !== 'chunked')
    return wellFormed ? UNKNOWN_CODING : BAD_CODING
  }

  #readConnection(bytes: Buffer, from: number, to: number): Fault | undefined {
    for (let at = from; at < to;) {
      while (at < to && isSeparator(bytes[at]!)) at++
      const start = at
      while (at < to && bytes[at] !== COMMA) at++
      let end = at
      while (end > start && isSeparator(bytes[end - 1]!)) end--
      if (end === start) continue
      const option = readName(bytes, start, end, NameForm.ANY_CASE)
      if (typeof option === 'number') return BAD_OPTION
      if (option.text === 'close') this.close = true
      else if (option.text === 'keep-alive') this.keepAlive = true
      else if (option.text === 'upgrade') this.upgrade = true
      else this.named.push(option)
    }
    return undefined
  }
}

function isSeparator(octet: number): boolean {
  return octet === SPACE || octet === TAB || octet === COMMA
}

/** Where a number begins behind its leading zeros, of which one is kept if there is nothing else. */
export function skipZeros(bytes: Buffer, from: number, to: number): number {
  let start = from
  while (start < to - 1 && bytes[start] === ZERO) start++
  return start
}
