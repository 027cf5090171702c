import { MAX_V1_LENGTH, MAX_V2_LENGTH, type ProxyHeader, ProxyHeaderError, V1_PREFIX, V2_SIGNATURE } from './header.js'
import { decodeV1 } from './v1.js'
import { decodeV2, decodeV2Length } from './v2.js'

const CR = 0x0d
const LF = 0x0a

/**
 * Reads the header a connection begins with, in whatever pieces it arrives. Holds at most 536 bytes (107 of a version 1
 * line) and refuses at the first byte that cannot belong to a header.
 */
export class ProxyHeaderReader {
  readonly #held = Buffer.alloc(MAX_V2_LENGTH)
  #length = 0

  /**
   * Takes the next piece, copying it. Returns undefined while the header is not complete, else the header and how many
   * bytes of this piece belonged to it; not to be called again then. Throws ProxyHeaderError.
   */
  push(piece: Buffer): { header: ProxyHeader; consumed: number } | undefined {
    const before = this.#length
    this.#length += piece.copy(this.#held, before)
    const found = this.#read()
    return found && { header: found.header, consumed: found.length - before }
  }

  #read(): { header: ProxyHeader; length: number } | undefined {
    const held = this.#held.subarray(0, this.#length)
    if (startsAlike(held, V2_SIGNATURE)) return this.#readV2(held)
    if (startsAlike(held, V1_PREFIX)) return this.#readV1(held)
    throw new ProxyHeaderError('no PROXY protocol header')
  }

  #readV1(held: Buffer): { header: ProxyHeader; length: number } | undefined {
    const cr = held.subarray(0, MAX_V1_LENGTH).indexOf(CR)
    if (cr < 0 || cr + 1 === MAX_V1_LENGTH) {
      if (held.length >= MAX_V1_LENGTH) throw new ProxyHeaderError(`version 1 line over ${MAX_V1_LENGTH} bytes`)
      return undefined
    }
    if (cr + 1 === held.length) return undefined
    if (held[cr + 1] !== LF) throw new ProxyHeaderError('CR without LF in version 1 line')
    return { header: decodeV1(held.toString('latin1', 0, cr)), length: cr + 2 }
  }

  #readV2(held: Buffer): { header: ProxyHeader; length: number } | undefined {
    if (held.length < 16) return undefined
    const length = decodeV2Length(held)
    if (length > MAX_V2_LENGTH) throw new ProxyHeaderError(`version 2 header over ${MAX_V2_LENGTH} bytes`)
    if (held.length < length) return undefined
    return { header: decodeV2(Buffer.from(held.subarray(0, length))), length }
  }
}

/** Whether the shorter of the two begins the other. */
function startsAlike(bytes: Buffer, prefix: Buffer): boolean {
  const length = Math.min(bytes.length, prefix.length)
  return bytes.compare(prefix, 0, length, 0, length) === 0
}
