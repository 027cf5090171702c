import { type ProxiedAddresses, type ProxyHeader, ProxyHeaderError, V2_SIGNATURE } from './header.js'
import { formatIPv6, parseIPv6 } from './ipv6.js'
import { decodeTlvs } from './tlv.js'

const FIXED = 16
const ADDRESS_LENGTHS = [0, 12, 36, 216]
const UNIX_PATH = 108

/** Reads a whole version 2 header, its signature already checked. Throws ProxyHeaderError. */
export function decodeV2(header: Buffer): ProxyHeader {
  const command = header[12]! & 0x0f
  const family = header[13]! >> 4
  const transport = header[13]! & 0x0f
  // "must discard the protocol block including the family which is ignored" (LOCAL)
  if (command === 0) return { version: 2, addresses: undefined, tlvs: [] }
  const end = FIXED + ADDRESS_LENGTHS[family]!
  if (end > header.length) throw new ProxyHeaderError('addresses cut short')
  const tlvs = decodeTlvs(header, end)
  return { version: 2, addresses: transport === 1 ? decodeAddresses(header, family) : undefined, tlvs }
}

/** Checks the 16 fixed bytes and returns the length of the whole header. Throws ProxyHeaderError. */
export function decodeV2Length(fixed: Buffer): number {
  if (fixed[12]! >> 4 !== 2) throw new ProxyHeaderError(`unknown version ${fixed[12]! >> 4}`)
  if ((fixed[12]! & 0x0f) > 1) throw new ProxyHeaderError(`unknown command ${fixed[12]! & 0x0f}`)
  // "other values are unspecified … and must be rejected as invalid by receivers"
  if (fixed[13]! >> 4 > 3) throw new ProxyHeaderError(`unknown address family ${fixed[13]! >> 4}`)
  if ((fixed[13]! & 0x0f) > 2) throw new ProxyHeaderError(`unknown transport ${fixed[13]! & 0x0f}`)
  return FIXED + fixed.readUInt16BE(14)
}

/** Writes a version 2 header for a connection over TCP; without addresses a LOCAL one. */
export function encodeV2(addresses: ProxiedAddresses | undefined): Buffer {
  const family = addresses ? ['', 'ipv4', 'ipv6', 'unix'].indexOf(addresses.family) : 0
  const length = ADDRESS_LENGTHS[family]!
  const header = Buffer.alloc(FIXED + length)
  V2_SIGNATURE.copy(header)
  header[12] = addresses ? 0x21 : 0x20
  header[13] = addresses ? (family << 4) | 1 : 0
  header.writeUInt16BE(length, 14)
  if (addresses?.family === 'unix') {
    addresses.source.copy(header, FIXED, 0, UNIX_PATH)
    addresses.destination.copy(header, FIXED + UNIX_PATH, 0, UNIX_PATH)
  } else if (addresses) {
    const toBytes = addresses.family === 'ipv4' ? parseIPv4 : parseIPv6
    const size = addresses.family === 'ipv4' ? 4 : 16
    header.set(toBytes(addresses.source.host), FIXED)
    header.set(toBytes(addresses.destination.host), FIXED + size)
    header.writeUInt16BE(addresses.source.port, FIXED + 2 * size)
    header.writeUInt16BE(addresses.destination.port, FIXED + 2 * size + 2)
  }
  return header
}

function decodeAddresses(header: Buffer, family: number): ProxiedAddresses | undefined {
  if (family === 0) return undefined
  if (family === 3) {
    const middle = FIXED + UNIX_PATH
    const source = Buffer.from(header.subarray(FIXED, middle))
    return { family: 'unix', source, destination: Buffer.from(header.subarray(middle, middle + UNIX_PATH)) }
  }
  const size = family === 1 ? 4 : 16
  const format = family === 1 ? formatIPv4 : formatIPv6
  const host = (index: number) => format(header.subarray(FIXED + index * size, FIXED + (index + 1) * size))
  const port = (index: number) => header.readUInt16BE(FIXED + 2 * size + 2 * index)
  return {
    family: family === 1 ? 'ipv4' : 'ipv6',
    source: { host: host(0), port: port(0) },
    destination: { host: host(1), port: port(1) },
  }
}

function formatIPv4(bytes: Buffer): string {
  return bytes.join('.')
}

function parseIPv4(text: string): readonly number[] {
  return text.split('.').map(Number)
}
