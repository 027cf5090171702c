import fc from 'fast-check'
import {
  Command,
  INETProtocol,
  IPv4Address,
  IPv4ProxyAddress,
  Peer,
  TransportProtocol,
  V1ProxyProtocol,
  V2ProxyProtocol,
} from 'proxy-protocol-js'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../src/core/proxy/proxy-protocol/crc32c.js'
import { type ProxiedAddresses, type ProxyHeader, V2_SIGNATURE } from '../../../src/core/proxy/proxy-protocol/header.js'
import { ProxyHeaderReader } from '../../../src/core/proxy/proxy-protocol/reader.js'
import { encodeV2 } from '../../../src/core/proxy/proxy-protocol/v2.js'

/** Feeds the bytes in pieces; returns the header and what was left over, or undefined if it is not complete. */
function read(bytes: Buffer, ...cuts: number[]): { header: ProxyHeader; rest: Buffer } | undefined {
  const reader = new ProxyHeaderReader()
  const bounds = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
  let start = 0
  for (const end of bounds) {
    const found = reader.push(bytes.subarray(start, end))
    if (found) return { header: found.header, rest: Buffer.from(bytes.subarray(start + found.consumed)) }
    start = end
  }
  return undefined
}

const line = (text: string) => read(Buffer.from(`${text}\r\n`))?.header.addresses

describe('version 1', () => {
  it('reads TCP4, TCP6 and UNKNOWN', () => {
    expect(line('PROXY TCP4 192.0.2.1 198.51.100.9 56324 443')).toEqual({
      family: 'ipv4',
      source: { host: '192.0.2.1', port: 56324 },
      destination: { host: '198.51.100.9', port: 443 },
    })
    expect(line('PROXY TCP6 2001:DB8::1 ::1 0 65535')).toEqual({
      family: 'ipv6',
      source: { host: '2001:db8::1', port: 0 },
      destination: { host: '::1', port: 65535 },
    })
    expect(line('PROXY UNKNOWN')).toBeUndefined()
    expect(line('PROXY UNKNOWN ffff::1 ::1 1 2 whatever')).toBeUndefined()
  })

  it('reads what another implementation writes', () => {
    const built = new V1ProxyProtocol(INETProtocol.TCP4, new Peer('10.1.2.3', 80), new Peer('10.4.5.6', 65535)).build()
    expect(read(Buffer.from(built))!.header.addresses).toMatchObject({
      source: { host: '10.1.2.3', port: 80 },
      destination: { host: '10.4.5.6', port: 65535 },
    })
  })

  it.each([
    'PROXY TCP4 192.0.2.1 198.51.100.9 56324',
    'PROXY TCP4 192.0.2.1 198.51.100.9 56324 443 ',
    'PROXY TCP4  192.0.2.1 198.51.100.9 56324 443',
    'PROXY TCP4 192.0.2.1 198.51.100.9 056324 443',
    'PROXY TCP4 192.0.2.1 198.51.100.9 65536 443',
    'PROXY TCP4 192.0.2.1 198.51.100.9 -1 443',
    'PROXY TCP4 192.0.2.256 198.51.100.9 1 443',
    'PROXY TCP4 192.0.02.1 198.51.100.9 1 443',
    'PROXY TCP4 ::1 ::1 1 443',
    'PROXY TCP6 192.0.2.1 198.51.100.9 1 443',
    'PROXY TCP6 fe80::1%eth0 ::1 1 443',
    'PROXY UDP4 192.0.2.1 198.51.100.9 1 443',
    'PROXY UNKNOWNX',
    'PROXY tcp4 192.0.2.1 198.51.100.9 1 443',
  ])('refuses %j', (text) => {
    expect(() => line(text)).toThrow()
  })

  it('takes 107 bytes and not one more', () => {
    const longest = `PROXY UNKNOWN ${'x'.repeat(107 - 16)}`
    expect(read(Buffer.from(`${longest}\r\n`))).toBeDefined()
    expect(() => read(Buffer.from(`${longest}x\r\n`))).toThrow(/over 107/)
    expect(() => read(Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`))).toThrow(/over 107/)
  })

  it('refuses a line that ends in CR and something else', () => {
    expect(() => read(Buffer.from('PROXY UNKNOWN\rX'))).toThrow(/CR without LF/)
  })
})

const PORT = fc.integer({ min: 0, max: 65535 })
const PAIRS: fc.Arbitrary<ProxiedAddresses> = fc.oneof(
  fc.record({
    family: fc.constant('ipv4' as const),
    source: fc.record({ host: fc.ipV4(), port: PORT }),
    destination: fc.record({ host: fc.ipV4(), port: PORT }),
  }),
  fc.record({
    family: fc.constant('ipv6' as const),
    source: fc.record({ host: fc.ipV6().map(canonical), port: PORT }),
    destination: fc.record({ host: fc.ipV6().map(canonical), port: PORT }),
  }),
  fc.record({ family: fc.constant('unix' as const), source: path(), destination: path() }),
)

function canonical(ip: string): string {
  return new URL(`http://[${ip}]`).hostname.slice(1, -1)
}

function path(): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength: 108, maxLength: 108 }).map((bytes) => Buffer.from(bytes))
}

describe('version 2', () => {
  it('reads back what it writes, in any pieces, and leaves what follows alone', () => {
    fc.assert(
      fc.property(PAIRS, fc.uint8Array({ maxLength: 50 }), fc.array(fc.nat(600)), (addresses, after, cuts) => {
        const header = encodeV2(addresses)
        const result = read(Buffer.concat([header, after]), ...cuts)
        expect(result?.header.addresses).toEqual(addresses)
        expect(result!.rest).toEqual(Buffer.from(after))
      }),
    )
  })

  it('writes IPv4 as another implementation does', () => {
    const ipv4 = fc.record({ host: fc.ipV4(), port: PORT })
    fc.assert(
      fc.property(ipv4, ipv4, (source, destination) => {
        const octets = (ip: string) =>
          IPv4Address.createFrom(ip.split('.').map(Number) as [number, number, number, number])
        const { host, port } = source
        const pair = new IPv4ProxyAddress(octets(host), port, octets(destination.host), destination.port)
        const theirs = new V2ProxyProtocol(Command.PROXY, TransportProtocol.STREAM, pair).build()
        expect(encodeV2({ family: 'ipv4', source, destination })).toEqual(Buffer.from(theirs))
      }),
    )
  })

  it('reads LOCAL as no addresses, whatever follows', () => {
    expect(read(v2(0x20, 0, Buffer.alloc(0)))!.header.addresses).toBeUndefined()
    expect(read(v2(0x20, 0x11, Buffer.from('junk')))!.header.addresses).toBeUndefined()
    expect(read(encodeV2(undefined))!.header.addresses).toBeUndefined()
  })

  it('ignores the addresses of UNSPEC and of datagrams', () => {
    expect(read(v2(0x21, 0x00, Buffer.alloc(0)))!.header.addresses).toBeUndefined()
    expect(read(v2(0x21, 0x12, Buffer.alloc(12)))!.header.addresses).toBeUndefined()
  })

  it.each([
    ['version 1', v2(0x11, 0x11, Buffer.alloc(12))],
    ['an unknown command', v2(0x22, 0x11, Buffer.alloc(12))],
    ['an unknown family', v2(0x21, 0x41, Buffer.alloc(12))],
    ['an unknown transport', v2(0x21, 0x13, Buffer.alloc(12))],
    ['addresses cut short', v2(0x21, 0x11, Buffer.alloc(11))],
    ['a field cut short', v2(0x21, 0x11, Buffer.alloc(14))],
    ['a field longer than the header', v2(0x21, 0x11, Buffer.alloc(12), Buffer.from([4, 0, 2, 0]))],
    ['a unique id over 128 bytes', v2(0x21, 0x11, Buffer.alloc(12), tlv(5, Buffer.alloc(129)))],
    ['an SSL field too short', v2(0x21, 0x11, Buffer.alloc(12), tlv(0x20, Buffer.alloc(4)))],
    ['a broken field inside SSL', v2(0x21, 0x11, Buffer.alloc(12), tlv(0x20, Buffer.alloc(6)))],
    ['a checksum of the wrong size', v2(0x21, 0x11, Buffer.alloc(12), tlv(3, Buffer.alloc(3)))],
    ['a wrong checksum', v2(0x21, 0x11, Buffer.alloc(12), tlv(3, Buffer.alloc(4)))],
    ['more than 536 bytes', v2(0x21, 0x11, Buffer.alloc(12), tlv(4, Buffer.alloc(536 - 16 - 12 - 3 + 1)))],
  ])('refuses %s', (_, header) => {
    expect(() => read(header)).toThrow()
  })

  it('reads fields, and takes 536 bytes', () => {
    const noop = tlv(4, Buffer.alloc(536 - 16 - 12 - 3 - 8, 7))
    const header = v2(0x21, 0x11, Buffer.alloc(12), noop, tlv(2, Buffer.from('a.dev')))
    expect(header.length).toBe(536)
    const [, authority] = read(header)!.header.tlvs
    expect([authority!.type, authority!.value.toString()]).toEqual([2, 'a.dev'])
  })

  it('checks the checksum', () => {
    const header = v2(0x21, 0x11, Buffer.alloc(12, 9), tlv(3, Buffer.alloc(4)), tlv(2, Buffer.from('x')))
    const sum = crc32c(header)
    header.writeUInt32BE(sum, 16 + 12 + 3)
    expect(read(header)!.header.tlvs).toHaveLength(2)
    header[20]! ^= 1
    expect(() => read(header)).toThrow(/checksum/)
  })
})

describe('whatever arrives', () => {
  it('is refused at the first byte that cannot belong to a header', () => {
    for (const bytes of ['G', 'PROXX', '\r\n\r\n\0\r\nQUITX'])
      expect(() => read(Buffer.from(bytes))).toThrow(/no PROXY/)
    for (const bytes of ['P', 'PROXY', '\r\n\r\n\0\r\nQUIT']) expect(read(Buffer.from(bytes))).toBeUndefined()
  })

  it('never throws anything but a header error, nor holds more than its limit', () => {
    const start = fc.constantFrom(V2_SIGNATURE, Buffer.from('PROXY '), Buffer.alloc(0))
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 700 }), fc.array(fc.nat(700)), (prefix, bytes, cuts) => {
        try {
          const complete = read(Buffer.concat([prefix, bytes]), ...cuts)
          if (!complete) expect(prefix.length + bytes.length).toBeLessThan(536)
        } catch (error) {
          expect((error as Error).constructor.name).toBe('ProxyHeaderError')
        }
      }),
    )
  })
})

it('computes CRC32c as RFC 3720 does', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

function v2(command: number, family: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const fixed = Buffer.from([...V2_SIGNATURE, command, family, 0, 0])
  fixed.writeUInt16BE(body.length, 14)
  return Buffer.concat([fixed, body])
}

function tlv(type: number, value: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0])
  head.writeUInt16BE(value.length, 1)
  return Buffer.concat([head, value])
}
