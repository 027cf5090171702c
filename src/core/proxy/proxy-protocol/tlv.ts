import { crc32c } from './crc32c.js'
import { ProxyHeaderError, type Tlv } from './header.js'

const TYPE_CRC32C = 0x03
const TYPE_UNIQUE_ID = 0x05
const TYPE_SSL = 0x20
/** `client` (1 byte) and `verify` (4 bytes) before the fields inside PP2_TYPE_SSL. */
const SSL_FIXED = 5

/** Reads the fields that fill `header` from `start` to its end, and checks the checksum if there is one. Throws ProxyHeaderError. */
export function decodeTlvs(header: Buffer, start: number): readonly Tlv[] {
  const tlvs = split(header, start)
  for (const tlv of tlvs) {
    if (tlv.type === TYPE_CRC32C) checkCrc(header, tlv.value)
    if (tlv.type === TYPE_UNIQUE_ID && tlv.value.length > 128) throw new ProxyHeaderError('unique id over 128 bytes')
    if (tlv.type === TYPE_SSL) {
      if (tlv.value.length < SSL_FIXED) throw new ProxyHeaderError('SSL field too short')
      split(tlv.value, SSL_FIXED)
    }
  }
  return tlvs
}

function split(bytes: Buffer, start: number): Tlv[] {
  const tlvs: Tlv[] = []
  let at = start
  while (at < bytes.length) {
    if (at + 3 > bytes.length) throw new ProxyHeaderError('field cut short')
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) throw new ProxyHeaderError('field longer than the header')
    tlvs.push({ type: bytes[at]!, value: bytes.subarray(at + 3, end) })
    at = end
  }
  return tlvs
}

/** "replace the 32 bits of the checksum field in the received PROXY header with all '0's and calculate" (PROXY protocol, 2.2.3) */
function checkCrc(header: Buffer, value: Buffer): void {
  if (value.length !== 4) throw new ProxyHeaderError('checksum is not 4 bytes')
  const zeroed = Buffer.from(header)
  zeroed.fill(0, value.byteOffset - header.byteOffset, value.byteOffset - header.byteOffset + 4)
  if (crc32c(zeroed) !== value.readUInt32BE(0)) throw new ProxyHeaderError('checksum does not match')
}
