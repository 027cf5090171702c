/** An integer behind a prefix of `mask`, the bits before it being `flags` (RFC 7541 §5.1). */
export function integer(value: number, mask: number, flags: number): Buffer {
  if (value < mask) return Buffer.of(flags | value)
  const octets = [flags | mask]
  let rest = value - mask
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 0x80)
  octets.push(rest)
  return Buffer.from(octets)
}

/** A string literal, not Huffman-coded (RFC 7541 §5.2). */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 0x7f, 0), bytes])
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
/** The same with POST. */
export const POST = Buffer.concat([indexed(3), indexed(6), indexed(4), plain(1, 'a')])
/** `:status: 200`. */
export const OK = indexed(8)
