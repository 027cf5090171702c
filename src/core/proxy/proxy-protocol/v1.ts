import { isIPv4, isIPv6 } from 'node:net'
import { type ProxyHeader, ProxyHeaderError } from './header.js'

const LINE = /^PROXY (TCP4|TCP6) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/
const UNKNOWN = /^PROXY UNKNOWN(?: |$)/

/** Reads a version 1 line, given without its CRLF. Throws ProxyHeaderError. */
export function decodeV1(line: string): ProxyHeader {
  // "the receiver must ignore anything presented before the CRLF is found" after UNKNOWN
  if (UNKNOWN.test(line)) return { version: 1, addresses: undefined, tlvs: [] }
  const match = LINE.exec(line)
  if (!match) throw new ProxyHeaderError('malformed version 1 line')
  const [, protocol, source, destination, sourcePort, destinationPort] = match
  const family = protocol === 'TCP4' ? 'ipv4' : 'ipv6'
  return {
    version: 1,
    addresses: {
      family,
      source: { host: host(source!, family), port: port(sourcePort!) },
      destination: { host: host(destination!, family), port: port(destinationPort!) },
    },
    tlvs: [],
  }
}

function host(text: string, family: 'ipv4' | 'ipv6'): string {
  const valid = family === 'ipv4' ? isIPv4(text) : isIPv6(text) && !text.includes('%')
  if (!valid) throw new ProxyHeaderError(`not an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address in version 1 line`)
  return text.toLowerCase()
}

function port(text: string): number {
  const value = Number(text)
  if (value > 65535) throw new ProxyHeaderError('port above 65535 in version 1 line')
  return value
}
