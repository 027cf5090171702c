import { isIP } from 'node:net'
import { encodeFields } from '../http/field-block.js'
import { FieldCursor } from '../http/field-cursor.js'
import type { Head } from '../http/head.js'
import { nameOf } from '../http/names.js'

const AUTHORITY = nameOf(':authority')
const X_FORWARDED_PROTO = nameOf('x-forwarded-proto')
const X_FORWARDED_HOST = nameOf('x-forwarded-host')

/** What a host may be made of for it to be repeated in fields of ours. */
const HOST = /^[A-Za-z0-9._~:[\]%-]+$/
/** The static indexes of pseudo-header fields end here; no other field of a request precedes them. */
const LAST_PSEUDO = 14

const Said = { PROTO: 1, HOST: 2 } as const

const cursor = new FieldCursor()

export interface ForwardedFacts {
  /** The client's address; no IP address for a client on a Unix socket. */
  readonly client: string
  readonly scheme: 'http' | 'https'
  /** The protocol version it speaks, as `via` has it (RFC 9110 §7.6.3). */
  readonly version: '1.1' | '2'
  /** Whether what the client itself says in such fields was kept. */
  readonly trusted: boolean
}

/**
 * The fields that tell an endpoint of the client: `x-forwarded-for`, `-proto`, `-host`, `forwarded` (RFC 7239) and `via`. One
 * block for a whole connection, made anew only where a request names another host than the one before, or leaves other fields
 * to us.
 */
export class ForwardedFields {
  readonly #facts: ForwardedFacts
  #block: Buffer | undefined
  /** The octets of the authority that the block was made for, as they were sent. */
  #authority = Buffer.alloc(0)
  #huffman = false
  #known = false
  /** What the client, which is believed, said in the request that the block was made for. */
  #said = 0

  constructor(facts: ForwardedFacts) {
    this.#facts = facts
  }

  /** What to append to this request's head. */
  for(head: Head): Buffer {
    const said = this.#facts.trusted ? saidIn(head) : 0
    const found = this.#findAuthority(head)
    if (this.#block && said === this.#said && found === this.#known && (!found || this.#isSameAuthority())) {
      return this.#block
    }
    this.#said = said
    this.#known = found
    if (found) {
      this.#authority = Buffer.from(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd))
      this.#huffman = cursor.huffman
    }
    return (this.#block = this.#build(found ? cursor.value : '', said))
  }

  /** Puts the cursor on the authority. */
  #findAuthority(head: Head): boolean {
    cursor.at(head.block, head.length)
    while (cursor.next() && cursor.nameIndex !== 0 && cursor.nameIndex <= LAST_PSEUDO) {
      if (cursor.nameIndex === AUTHORITY.index) return true
    }
    return false
  }

  #isSameAuthority(): boolean {
    const { valueBytes, valueStart, valueEnd } = cursor
    const known = this.#authority
    if (known.length !== valueEnd - valueStart || this.#huffman !== cursor.huffman) return false
    for (let i = 0; i < known.length; i++) if (known[i] !== valueBytes[valueStart + i]) return false
    return true
  }

  #build(authority: string, said: number): Buffer {
    const { client, scheme, version } = this.#facts
    const family = isIP(client)
    const host = HOST.test(authority) ? authority : ''
    const by = family === 0 ? 'unknown' : family === 6 ? `"[${client}]"` : client
    const fields: [string, string][] = []
    if (family !== 0) fields.push(['x-forwarded-for', client])
    if ((said & Said.PROTO) === 0) fields.push(['x-forwarded-proto', scheme])
    if ((said & Said.HOST) === 0 && host !== '') fields.push(['x-forwarded-host', host])
    fields.push(['forwarded', `for=${by};${host === '' ? '' : `host="${host}";`}proto=${scheme}`])
    fields.push(['via', `${version} fairlead`])
    return encodeFields(fields)
  }
}

/** Which of the fields that are not to be said twice the client says itself. */
function saidIn(head: Head): number {
  let said = 0
  cursor.at(head.block, head.length)
  while (cursor.next()) {
    if (cursor.is(X_FORWARDED_PROTO)) said |= Said.PROTO
    else if (cursor.is(X_FORWARDED_HOST)) said |= Said.HOST
  }
  return said
}
