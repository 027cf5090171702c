import { isIP } from 'node:net'
import { parseStaticEndpoints } from '../discovery/static-resolver.js'
import { FairleadError } from '../errors.js'
import { formatHostPort } from '../model/address.js'
import type { Endpoint } from '../model/endpoint.js'
import { parseServiceName } from '../model/service.js'

/** What is spoken on a listener. `auto` is found out per connection; what is neither HTTP nor gRPC is TCP. */
export type Scheme = (typeof SCHEMES)[number]
const SCHEMES = ['tcp', 'http', 'grpc', 'auto'] as const

/** Where to accept connections. */
export interface ListenAddress {
  readonly scheme: Scheme
  /** IPv4, IPv6 without brackets, or a name of this machine. */
  readonly host: string
  /** 0–65535; 0 takes a free one. */
  readonly port: number
}

/** What connections are balanced over: a service of the registry, or a fixed list. */
export type Target =
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'static'; readonly text: string; readonly endpoints: readonly Endpoint[] }

export interface Listen {
  readonly listen: ListenAddress
  readonly target: Target
}

const HINT = 'write LISTEN=TARGET, for example tcp://127.0.0.1:8080=web or 8080=10.0.0.5:80@3,10.0.0.6:80'
const LISTEN = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:(\[[^\]]*\]|[^:[\]/]*):)?(\d{1,5})$/i

/**
 * Reads `LISTEN=TARGET`. LISTEN is `[tcp://|http://|grpc://|auto://][HOST]:PORT` or `PORT`, the host 127.0.0.1 unless given; TARGET is a
 * service name or `ADDR[@WEIGHT],…`. Throws INVALID_ARGUMENT naming what is wrong.
 */
export function parseListen(text: string): Listen {
  const equals = text.indexOf('=')
  if (equals < 0) throw new FairleadError('INVALID_ARGUMENT', `${JSON.stringify(text)} has no target`, { hint: HINT })
  return { listen: parseListenAddress(text.slice(0, equals)), target: parseTarget(text.slice(equals + 1)) }
}

/** Reads the LISTEN part alone. */
export function parseListenAddress(text: string): ListenAddress {
  const match = LISTEN.exec(text)
  if (!match) throw badListen(text, 'expected [SCHEME://][HOST]:PORT or PORT')
  const [, scheme = 'auto', rawHost = '', portText] = match
  const port = Number(portText)
  if (port > 65535) throw badListen(text, `port ${portText} is not between 0 and 65535`)
  return { scheme: parseScheme(scheme.toLowerCase(), text), host: parseHost(rawHost, text), port }
}

/** Reads the TARGET part alone. */
export function parseTarget(text: string): Target {
  // A service name never holds a colon, an address always does.
  if (!text.includes(':')) return { kind: 'service', service: parseServiceName(text) }
  return { kind: 'static', text, endpoints: parseStaticEndpoints(text) }
}

/** `scheme://host:port`, IPv6 in brackets. */
export function formatListen(scheme: string, host: string, port: number): string {
  return `${scheme}://${formatHostPort(host, port)}`
}

/** What a target is called in events and messages. */
export function targetName(target: Target): string {
  return target.kind === 'service' ? target.service : target.text
}

function parseScheme(scheme: string, text: string): Scheme {
  const known = SCHEMES.find((name) => name === scheme)
  if (known) return known
  throw badListen(text, `unknown scheme ${scheme}://`)
}

function parseHost(raw: string, text: string): string {
  if (raw === '') return '127.0.0.1'
  if (!raw.startsWith('[')) {
    if (/^[\d.]+$/.test(raw) && isIP(raw) !== 4) throw badListen(text, `${raw} is not an IPv4 address`)
    if (!/^[A-Za-z0-9._-]+$/.test(raw)) throw badListen(text, `${JSON.stringify(raw)} is not a host`)
    return raw
  }
  const host = raw.slice(1, -1)
  if (isIP(host) !== 6) throw badListen(text, `${host} is not an IPv6 address`)
  return host
}

function badListen(text: string, reason: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `bad listen address ${JSON.stringify(text)}: ${reason}`, { hint: HINT })
}
