import type { Head } from '../http/head.js'
import type { Output } from '../transport/output.js'
import { BodyForm, type BodyFormCode, type HeadText } from './head-text.js'

/** `LAST` with no trailers. */
const END = Buffer.from('0\r\n\r\n')
const LAST = Buffer.from('0\r\n')
/** Eight hexadecimal digits and CRLF. */
const SIZE_LINE = 10
const DIGITS = Buffer.from('0123456789abcdef')

/** Frames a body (RFC 9112 §6–§7). Methods return false where it would not be as long as was announced: then the connection must break. */
export class BodyWriter {
  #form: BodyFormCode = BodyForm.NONE
  #left = 0
  readonly #output: Output
  readonly #text: HeadText

  constructor(output: Output, text: HeadText) {
    this.#output = output
    this.#text = text
  }

  begin(form: BodyFormCode, length: number): void {
    this.#form = form
    this.#left = length
  }

  data(bytes: Buffer, offset: number, length: number, end: boolean): boolean {
    const output = this.#output
    switch (this.#form) {
      case BodyForm.CHUNKED:
        if (length > 0) this.#chunk(bytes, offset, length)
        if (end) this.#put(END)
        return true
      case BodyForm.LENGTH:
        if (length > this.#left) return false
        this.#left -= length
        output.write(bytes, offset, length)
        return !end || this.#left === 0
      case BodyForm.REST:
        output.write(bytes, offset, length)
        return true
      default:
        // To a HEAD there is the same response as to a GET, "but the server MUST NOT send content" (RFC 9110 §9.3.2).
        return true
    }
  }

  /** Ends the body with trailers, where its form has room for them; else without. */
  trailers(head: Head): boolean {
    if (this.#form !== BodyForm.CHUNKED) return this.data(END, 0, 0, true)
    this.#put(LAST)
    return this.#text.trailers(head, this.#output)
  }

  #chunk(bytes: Buffer, offset: number, length: number): void {
    const output = this.#output
    output.ensure(SIZE_LINE)
    const target = output.bytes
    let shift = 28
    while (length >>> shift === 0) shift -= 4
    for (; shift >= 0; shift -= 4) target[output.position++] = DIGITS[(length >>> shift) & 15]!
    target[output.position++] = 0x0d
    target[output.position++] = 0x0a
    output.write(bytes, offset, length)
    output.ensure(2)
    output.bytes[output.position++] = 0x0d
    output.bytes[output.position++] = 0x0a
  }

  #put(piece: Buffer): void {
    this.#output.ensure(piece.length)
    for (const octet of piece) this.#output.bytes[this.#output.position++] = octet
  }
}
