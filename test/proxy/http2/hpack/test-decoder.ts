import type { HttpLimits } from '../../../../src/core/proxy/http/environment.js'
import { DEFAULT_LIMITS } from '../../../../src/core/proxy/http/environment.js'
import { Head } from '../../../../src/core/proxy/http/head.js'
import { HpackDecoder, Role, Verdict, type RoleCode } from '../../../../src/core/proxy/http2/hpack/decoder.js'
import { wordBuffer } from '../../../../src/core/proxy/transport/word-buffer.js'
import { fields } from '../../../support/fields.js'

export type Pair = [name: string, value: string]

export interface Decoded {
  readonly verdict: number
  readonly reason: string
  readonly fields: Pair[]
  readonly head: Head
}

/** A connection's decoder, its answers as plain values. */
export class TestDecoder {
  readonly #decoder: HpackDecoder

  constructor(
    limits: Partial<HttpLimits> = {},
    trusted = false,
    /** Reads from a buffer such that sections which come again are remembered. */
    readonly remembering = false,
  ) {
    this.#decoder = new HpackDecoder({ ...DEFAULT_LIMITS, ...limits }, trusted)
  }

  /** Decodes `block`, surrounded by octets that are none of the decoder's business. */
  decode(block: Buffer, role: RoleCode = Role.REQUEST): Decoded {
    const length = block.length + 14
    const surrounded = this.remembering ? wordBuffer(length) : Buffer.alloc(length)
    surrounded.fill(0xff)
    block.copy(surrounded, 3)
    const head = new Head()
    const verdict = this.#decoder.decode(surrounded, 3, 3 + block.length, role, head)
    const pairs: Pair[] = []
    if (verdict === Verdict.OK) fields(head.block, head.length, (name, value) => pairs.push([name, value]))
    return { verdict, reason: verdict === Verdict.OK ? '' : this.#decoder.reason, fields: pairs, head }
  }

  /** The fields of a block that must be in order. */
  fields(block: Buffer, role: RoleCode = Role.REQUEST): Pair[] {
    const decoded = this.decode(block, role)
    if (decoded.verdict !== Verdict.OK) throw new Error(decoded.reason)
    return decoded.fields
  }
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex')
}
