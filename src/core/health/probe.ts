import { request } from 'node:http'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { Address } from '../model/address.js'
import type { Clock } from '../runtime.js'
import { identityError } from './certificate-identity.js'
import type { Check } from './check.js'
import { probeGrpc } from './grpc-probe.js'

/** How a check gets to its endpoint, where that is not simply by connecting. */
export interface Road {
  /** Speaks TLS; the endpoint's certificate must be for `name` and signed by whom `context` believes. */
  readonly tls?: { readonly context: SecureContext; readonly name: string }
  /** Resolves host names. Default: the system's way. */
  readonly lookup?: LookupFunction
}

/** Starts a probe; `settle` may be called more than once. Returns what ends it. */
type Probe<K> = (
  check: Extract<Check, { kind: K }>,
  address: Address,
  road: Road,
  settle: (reason?: string) => void,
) => () => void

/**
 * Checks an endpoint once. Resolves with undefined if it works, else with the reason, within `timeoutMs` in any case. Never rejects; an
 * aborted `signal` ends it with a reason.
 */
export function probe(
  check: Check,
  address: Address,
  timeoutMs: number,
  clock: Clock,
  signal?: AbortSignal,
  road: Road = {},
): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve('aborted')
    let stop = () => {}
    const settle = (reason?: string) => {
      signal?.removeEventListener('abort', onAbort)
      cancel()
      stop()
      resolve(reason)
    }
    const onAbort = () => settle('aborted')
    const cancel = clock.after(timeoutMs, () => settle(`no answer within ${timeoutMs} ms`))
    signal?.addEventListener('abort', onAbort)
    stop = PROBES[check.kind](check as never, address, road, settle)
  })
}

const PROBES: { readonly [K in Check['kind']]: Probe<K> } = {
  tcp(_check, address, road, settle) {
    const socket = open(address, road, [])
    let connected = false
    socket.on(road.tls ? 'secureConnect' : 'connect', () => {
      connected = true
      settle()
    })
    socket.on('error', (error) => settle(error.message))
    socket.on('close', () => settle('the connection was closed'))
    // In order where there is something to bring to an end, or a TLS server takes it for a handshake that failed.
    return () => (connected ? socket.destroySoon() : socket.destroy())
  },

  http({ path, expected }, { host, address, ...rest }, road, settle) {
    const headers = { 'host': address, 'user-agent': 'fairlead' }
    const createConnection = () => open({ host, address, ...rest }, road, ['http/1.1'])
    const sent = request({ path, headers, createConnection }, ({ statusCode = 0 }) => {
      const isExpected = expected.some(([from, to]) => from <= statusCode && statusCode <= to)
      settle(isExpected ? undefined : `GET ${path} answered ${statusCode}`)
    })
    sent.on('error', (error) => settle(error.message))
    sent.end()
    return () => sent.destroy()
  },

  grpc({ service }, address, road, settle) {
    const scheme = road.tls ? 'https' : 'http'
    return probeGrpc(service, `${scheme}://${address.address}`, () => open(address, road, ['h2']), settle)
  },
}

function open({ host, port }: Address, { tls, lookup }: Road, alpn: readonly string[]): Socket {
  const destination = { host, port, ...(lookup && isIP(host) === 0 && { lookup }) }
  if (!tls) return connect(destination)
  const { context, name } = tls
  return connectTls({
    ...destination,
    secureContext: context,
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    // "Literal IPv4 and IPv6 addresses are not permitted in HostName." (RFC 6066 §3)
    ...(isIP(name) === 0 && { servername: name }),
    checkServerIdentity: (_, certificate) => identityError(name, certificate),
  })
}
