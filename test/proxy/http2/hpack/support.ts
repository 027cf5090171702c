import type { HttpLimits } from '../../../../src/core/proxy/http/environment.js'
import { DEFAULT_LIMITS } from '../../../../src/core/proxy/http/environment.js'
import { fields } from '../../../../src/core/proxy/http/field-block.js'
import { Head } from '../../../../src/core/proxy/http/head.js'
import { HpackDecoder, Role, Verdict, type RoleCode } from '../../../../src/core/proxy/http2/hpack/decoder.js'

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

  constructor(limits: Partial<HttpLimits> = {}, trusted = false) {
    this.#decoder = new HpackDecoder({ ...DEFAULT_LIMITS, ...limits }, trusted)
  }

  /** Decodes `block`, surrounded by octets that are none of the decoder's business. */
  decode(block: Buffer, role: RoleCode = Role.REQUEST): Decoded {
    const surrounded = Buffer.concat([Buffer.alloc(3, 0xff), block, Buffer.alloc(11, 0xff)])
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

/** A string literal, not Huffman-coded (RFC 7541 §5.2). */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 0x7f, 0), bytes])
}

/** An integer behind a prefix of `mask`, the bits before it being `flags` (RFC 7541 §5.1). */
export function integer(value: number, mask: number, flags: number): Buffer {
  if (value < mask) return Buffer.of(flags | value)
  const octets = [flags | mask]
  let rest = value - mask
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 0x80)
  octets.push(rest)
  return Buffer.from(octets)
}

export const indexed = (index: number) => integer(index, 0x7f, 0x80)
export const resized = (size: number) => integer(size, 0x1f, 0x20)
/** Literals with incremental indexing, without indexing, and never indexed; the name by index or spelt. */
export const inserted = (name: string | number, value: string) => literal(0x3f, 0x40, name, value)
export const plain = (name: string | number, value: string) => literal(0x0f, 0, name, value)
export const never = (name: string | number, value: string) => literal(0x0f, 0x10, name, value)

function literal(mask: number, flags: number, name: string | number, value: string): Buffer {
  if (typeof name === 'number') return Buffer.concat([integer(name, mask, flags), text(value)])
  return Buffer.concat([Buffer.of(flags), text(name), text(value)])
}

/** `:method: GET`, `:scheme: http`, `:path: /`, `:authority: a`: a request in order. */
export const GET = Buffer.concat([indexed(2), indexed(6), indexed(4), plain(1, 'a')])
