import { NameForm, readName } from '../http/name-table.js'
import { isConnectionSpecific, type Name, NameKind, nameOf } from '../http/names.js'
import {
  COLON,
  CR,
  Fault,
  INCOMPLETE,
  LF,
  NAME_OCTETS,
  REFUSED,
  SPACE,
  TAB,
  UNDERSCORE,
  VALUE_OCTETS,
} from './syntax.js'

/** What each field adds to the counted size of a section (RFC 9113 §6.5.2). */
const FIELD_OVERHEAD = 32

const BAD_NAME = new Fault(400, 'malformed field name')
const SPACED_NAME = new Fault(400, 'space before the colon of a field')
const FOLDED = new Fault(400, 'folded field line')
const DISGUISED = new Fault(400, 'field name with an underscore that reads as a framing field')
const BAD_VALUE = new Fault(400, 'forbidden character in a field value')
const BARE_CR = new Fault(400, 'CR without LF')
const BARE_LF = new Fault(400, 'LF without CR')
const TOO_MANY = new Fault(431, 'too many fields')
const TOO_LARGE = new Fault(431, 'header section too large')

/**
 * The field lines of a header or trailer section (RFC 9112 §5), split and checked but not interpreted: `names[i]` has the value
 * `[from[i], to[i])` in the bytes that were read, without the space around it.
 */
export class FieldLines {
  readonly names: Name[] = []
  readonly from: Int32Array
  readonly to: Int32Array
  count = 0
  fault: Fault = BAD_NAME
  readonly #maxFields: number
  readonly #maxBytes: number

  constructor(maxFields: number, maxBytes: number) {
    this.#maxFields = maxFields
    this.#maxBytes = maxBytes
    this.from = new Int32Array(maxFields)
    this.to = new Int32Array(maxFields)
  }

  /** Reads `bytes[at, end)` up to and with the empty line. Returns where that ends, or INCOMPLETE, or REFUSED. */
  read(bytes: Buffer, at: number, end: number): number {
    let size = 0
    this.count = 0
    for (;;) {
      if (at === end) return INCOMPLETE
      const first = bytes[at]!
      if (first === CR) {
        if (at + 1 === end) return INCOMPLETE
        return bytes[at + 1] === LF ? at + 2 : this.#refuse(BARE_CR)
      }
      const start = at
      let seen = 0
      for (let kind; at < end && (kind = NAME_OCTETS[bytes[at]!]!) !== 0; at++) seen |= kind
      if (at === end) return INCOMPLETE
      if (bytes[at] !== COLON || at === start) return this.#refuseName(bytes[at]!, at === start)
      const name = readName(bytes, start, at, NameForm.ANY_CASE)
      if (typeof name === 'number') return this.#refuse(BAD_NAME)
      at++
      while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
      const from = at
      while (at < end && VALUE_OCTETS[bytes[at]!] === 1) at++
      if (at === end) return INCOMPLETE
      if (bytes[at] !== CR) return this.#refuse(bytes[at] === LF ? BARE_LF : BAD_VALUE)
      if (at + 1 === end) return INCOMPLETE
      if (bytes[at + 1] !== LF) return this.#refuse(BARE_CR)
      let to = at
      while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--
      at += 2
      size += at - start + FIELD_OVERHEAD
      if (size > this.#maxBytes) return this.#refuse(TOO_LARGE)
      if (this.count === this.#maxFields) return this.#refuse(TOO_MANY)
      if ((seen & UNDERSCORE) !== 0) {
        const kind = disguisedKind(name)
        if (isFraming(kind)) return this.#refuse(DISGUISED)
        if (kind === NameKind.FORWARDED || kind === NameKind.VIA) continue
      }
      const place = this.count++
      this.names[place] = name
      this.from[place] = from
      this.to[place] = to
    }
  }

  #refuse(fault: Fault): number {
    this.fault = fault
    return REFUSED
  }

  #refuseName(stop: number, atStart: boolean): number {
    if (stop === LF) return this.#refuse(BARE_LF)
    if (stop !== SPACE && stop !== TAB) return this.#refuse(BAD_NAME)
    return this.#refuse(atStart ? FOLDED : SPACED_NAME)
  }
}

/**
 * What a server takes a name for that hands fields on as variables, in which `-` and `_` are the same. A name that would become
 * one of ours to speak for is dropped, one that would frame a message refused.
 */
function disguisedKind(name: Name): number {
  return nameOf(name.text.replaceAll('_', '-')).kind
}

function isFraming(kind: number): boolean {
  return (
    isConnectionSpecific(kind) ||
    kind === NameKind.HOST ||
    kind === NameKind.CONTENT_LENGTH ||
    kind === NameKind.TE ||
    kind === NameKind.EXPECT
  )
}
