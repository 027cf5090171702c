/**
 * Whether `text` is a token (RFC 9110 §5.6.2) of a length that names have: what the names of header fields and of cookies
 * (RFC 6265 §4.1.1) are.
 */
export function isTokenName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(text)
}
