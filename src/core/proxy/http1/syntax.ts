/** What a parser answers instead of a position: the section goes on beyond the bytes at hand. */
export const INCOMPLETE = -1
/** What a parser answers instead of a position: its `fault` says why the message is refused. */
export const REFUSED = -2

export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const COLON = 0x3a

/** Why a message is refused, with the status that its sender is told if it is a client. */
export class Fault {
  constructor(
    readonly status: number,
    readonly reason: string,
  ) {}
}

/** Of a field name: no token character (RFC 9110 §5.6.2), one, or the underscore. */
export const NAME_OCTETS = new Uint8Array(256)
export const UNDERSCORE = 2
for (const character of "!#$%&'*+-.^`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  NAME_OCTETS[character.charCodeAt(0)] = 1
NAME_OCTETS[0x5f] = UNDERSCORE

/** 1: may be in a field value or a reason phrase (RFC 9110 §5.5): everything but control characters, and the tab. */
export const VALUE_OCTETS = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet === TAB || (octet >= SPACE && octet !== 0x7f) ? 1 : 0,
)

/**
 * 1: may be in a request target. All visible ASCII but the fragment's mark, which "a client MUST NOT send" (RFC 9110 §4.2.5);
 * characters outside RFC 3986 that browsers send unescaped are let through.
 */
export const TARGET_OCTETS = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet > SPACE && octet < 0x7f && octet !== 0x23 ? 1 : 0,
)

/** 1: may be in a registered name or an IPv4 address (RFC 3986 §3.2.2). */
const HOST_OCTETS = new Uint8Array(256)
for (const character of "-._~%!$&'()*+,;=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  HOST_OCTETS[character.charCodeAt(0)] = 1

/** Whether the octets are `host [ ":" port ]` with a host that is not empty: no user, no path (RFC 9110 §4.2.4, §7.2). */
export function isAuthority(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from
  if (bytes[at] === 0x5b && at < to) {
    at++
    while (at < to && isInAddress(bytes[at]!)) at++
    if (at === to || bytes[at] !== 0x5d || at < from + 3) return false
    at++
  } else {
    while (at < to && HOST_OCTETS[bytes[at]!] === 1) at++
    if (at === from) return false
  }
  if (at === to) return true
  if (bytes[at++] !== COLON || to - at > 5) return false
  let port = 0
  for (; at < to; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
  }
  return port <= 65_535
}

/** Of an IPv6 address in brackets. */
function isInAddress(octet: number): boolean {
  return hexDigit(octet) >= 0 || octet === COLON || octet === 0x2e
}

/** The worth of a hexadecimal digit, -1 for anything else. */
export function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  const letter = octet | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Whether the octets are `text`, which is in lower case, in whatever case. */
export function isText(bytes: Uint8Array, from: number, to: number, text: Uint8Array): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) {
    const octet = bytes[from + i]!
    if ((octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet) !== text[i]) return false
  }
  return true
}
