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
 * block for a whole connection, made anew only where a request names another host than the one before.
 */
export class ForwardedFields {
  readonly #facts: ForwardedFacts
  #block: Buffer | undefined
  /** The octets of the authority that the block was made for, as they were sent. */
  #authority = Buffer.alloc(0)
  #huffman = false
  #known = false

  constructor(facts: ForwardedFacts) {
    this.#facts = facts
  }

  /** What to append to this request's head. */
  for(head: Head): Buffer {
    if (this.#facts.trusted) return this.#build(head)
    const found = this.#findAuthority(head)
    if (this.#block && found === this.#known && (!found || this.#isSameAuthority())) return this.#block
    this.#known = found
    if (found) {
      this.#authority = Buffer.from(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd))
      this.#huffman = cursor.huffman
    }
    return (this.#block = this.#build(head))
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

  #build(head: Head): Buffer {
    const { client, scheme, version, trusted } = this.#facts
    let authority = ''
    let saysProto = false
    let saysHost = false
    cursor.at(head.block, head.length)
    while (cursor.next()) {
      if (cursor.is(AUTHORITY)) authority = cursor.value
      else if (!trusted) continue
      else if (cursor.is(X_FORWARDED_PROTO)) saysProto = true
      else if (cursor.is(X_FORWARDED_HOST)) saysHost = true
    }
    const family = isIP(client)
    const host = HOST.test(authority) ? authority : ''
    const by = family === 0 ? 'unknown' : family === 6 ? `"[${client}]"` : client
    const fields: [string, string][] = []
    if (family !== 0) fields.push(['x-forwarded-for', client])
    if (!saysProto) fields.push(['x-forwarded-proto', scheme])
    if (!saysHost && host !== '') fields.push(['x-forwarded-host', host])
    fields.push(['forwarded', `for=${by};${host === '' ? '' : `host="${host}";`}proto=${scheme}`])
    fields.push(['via', `${version} fairlead`])
    return encodeFields(fields)
  }
}
