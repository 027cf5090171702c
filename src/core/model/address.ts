import { isIP, isIPv6 } from 'node:net'
import { FairleadError } from '../errors.js'

export interface Address {
  /** Canonical text: `IPv4:port`, `[IPv6]:port` or `dns-name:port`, lower case, port without leading zeros. */
  readonly address: string
  /** IPv6 without brackets. */
  readonly host: string
  /** 1–65535. */
  readonly port: number
}

const BRACKETED = /^\[([^\]]*)\]:(\d{1,5})$/
const PLAIN = /^([^:[\]]+):(\d{1,5})$/
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/**
 * Reads an address an endpoint can be reached at. Throws INVALID_ARGUMENT naming what is wrong; unspecified
 * addresses (0.0.0.0, ::) are refused because nobody else can connect to them.
 */
export function parseAddress(text: string): Address {
  const parsed = tryParseAddress(text)
  if (typeof parsed === 'string') {
    throw new FairleadError('INVALID_ARGUMENT', `bad address ${JSON.stringify(text)}: ${parsed}`, {
      hint: 'write IPv4:port, [IPv6]:port or dns-name:port, for example 10.0.0.5:8080',
    })
  }
  return parsed
}

/** Like parseAddress, but returns the reason as a string where the text is not an address. */
export function tryParseAddress(text: string): Address | string {
  const match = BRACKETED.exec(text) ?? PLAIN.exec(text)
  if (!match) return 'expected host:port'
  const bracketed = text.startsWith('[')
  const host = match[1]!.toLowerCase()
  const port = Number(match[2])
  if (port < 1 || port > 65535) return `port ${match[2]} is not between 1 and 65535`
  if (bracketed) {
    if (!isIPv6(host) || host.includes('%')) return `${match[1]} is not an IPv6 address`
    const canonical = new URL(`http://[${host}]`).hostname
    if (canonical === '[::]' || canonical === '[::ffff:0:0]') return 'an unspecified address cannot be connected to'
    return { address: `${canonical}:${port}`, host: canonical.slice(1, -1), port }
  }
  if (isIP(host) === 4) {
    if (host === '0.0.0.0') return 'an unspecified address cannot be connected to'
  } else if (/^[\d.]+$/.test(host)) {
    return `${host} is not an IPv4 address`
  } else if (!DNS_NAME.test(host)) {
    return `${match[1]} is not a host name`
  }
  return { address: `${host}:${port}`, host, port }
}

/** `host:port`, an IPv6 host in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
