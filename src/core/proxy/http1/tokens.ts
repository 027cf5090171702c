import { isText, SPACE, TAB } from './syntax.js'

const COMMA = 0x2c
const SEMICOLON = 0x3b
const TRAILERS = Buffer.from('trailers')

/** Whether `trailers` is among the codings of a `te` field. */
export function saysTrailers(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    let end = at
    while (end < to && bytes[end] !== COMMA) end++
    let start = at
    let stop = end
    while (start < stop && isBlank(bytes[start]!)) start++
    for (let i = start; i < stop; i++) if (bytes[i] === SEMICOLON) stop = i
    while (stop > start && isBlank(bytes[stop - 1]!)) stop--
    if (isText(bytes, start, stop, TRAILERS)) return true
    at = end
  }
  return false
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB
}

const PROTOCOL = /^[!#$%&'*+\-.^_`|~\da-z]+(\/[!#$%&'*+\-.^_`|~\da-z]+)?$/

/** The one protocol that an `upgrade` field names, in lower case; empty for several, for `h2c` and for what is none. */
export function protocolOf(bytes: Buffer, from: number, to: number): string {
  if (to - from > 64) return ''
  const protocol = bytes.toString('latin1', from, to).toLowerCase()
  return protocol === 'h2c' || !PROTOCOL.test(protocol) ? '' : protocol
}
