/** Classes that an octet of a field value may be in, as bits: what it must not be part of. */
export const NOT_VALUE = 1
/** Of `:path`. */
export const NOT_TARGET = 2
/** Of `:authority` and `host`. */
export const NOT_AUTHORITY = 4

/** RFC 3986 §3.2: an authority, without user information, which "MUST NOT" be there (RFC 9113 §8.3.1). */
const AUTHORITY = /[A-Za-z0-9._~!$&'()*+,;=:%[\]-]/

/** The classes of every octet. */
export const OCTET_CLASSES = Uint8Array.from({ length: 256 }, (_, octet) => classesOf(octet))

function classesOf(octet: number): number {
  // "Field values containing other CTL characters are also invalid" (RFC 9110 §5.5), the tab being none of them.
  const notValue = (octet < 0x20 && octet !== 0x09) || octet === 0x7f ? NOT_VALUE : 0
  // No blanks, no 8-bit octets, no fragment (RFC 9112 §3.2, RFC 3986 §3.5).
  const notTarget = octet <= 0x20 || octet >= 0x7f || octet === 0x23 ? NOT_TARGET : 0
  return notValue | notTarget | (AUTHORITY.test(String.fromCharCode(octet)) ? 0 : NOT_AUTHORITY)
}

export function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09
}

/** A measured value: its decoded length in the lower 24 bits, and above them the classes of its octets and edges. */
export const LENGTH_MASK = 0xffffff
export const CLASS_SHIFT = 24

/**
 * The length of `bytes[from, to)`, and in the bits from CLASS_SHIFT on what it must not be. "A field value MUST NOT start or end
 * with an ASCII whitespace character" (RFC 9113 §8.2.1).
 */
export function measurePlain(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0
  let classes = isBlank(bytes[from]!) || isBlank(bytes[to - 1]!) ? NOT_VALUE : 0
  for (let i = from; i < to; i++) classes |= OCTET_CLASSES[bytes[i]!]!
  return (to - from) | (classes << CLASS_SHIFT)
}
