/** The addresses a PROXY protocol header carries. */
export type ProxiedAddresses =
  | {
      readonly family: 'ipv4' | 'ipv6'
      readonly source: { readonly host: string; readonly port: number }
      readonly destination: { readonly host: string; readonly port: number }
    }
  /** Paths of 108 bytes, padded with NUL, as they were received. */
  | { readonly family: 'unix'; readonly source: Buffer; readonly destination: Buffer }

/** A type-length-value field of a version 2 header. */
export interface Tlv {
  readonly type: number
  readonly value: Buffer
}

export interface ProxyHeader {
  readonly version: 1 | 2
  /** Undefined: the connection is the sender's own (LOCAL, UNKNOWN) or not over TCP; its real addresses count. */
  readonly addresses: ProxiedAddresses | undefined
  readonly tlvs: readonly Tlv[]
}

/** "\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A" (PROXY protocol, 2.2) */
export const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
export const V1_PREFIX = Buffer.from('PROXY ', 'latin1')

/** "the longest possible line … 107 chars", CRLF included (PROXY protocol, 2.1). */
export const MAX_V1_LENGTH = 107
/** Of a version 2 header: its fixed part, AF_UNIX addresses and 304 bytes of fields. */
export const MAX_V2_LENGTH = 536

/** What the header says is not allowed; `message` tells what. */
export class ProxyHeaderError extends Error {}
