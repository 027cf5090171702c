import { request } from 'node:http'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'
import { FairleadError } from '../errors.js'
import type { Address } from '../model/address.js'
import type { Clock } from '../runtime.js'

/** How to find out whether an endpoint works. */
export type Check =
  /** A connection can be made. */
  | { readonly kind: 'tcp' }
  /** GET `path` answers 2xx or 3xx. */
  | { readonly kind: 'http'; readonly path: string }
  /** `grpc.health.v1.Health/Check` answers SERVING for `service` (empty: the server as a whole). */
  | { readonly kind: 'grpc'; readonly service: string }

/** Reads `tcp`, `http:/PATH` or `grpc[:SERVICE]`. Throws INVALID_ARGUMENT. */
export function parseCheck(text: string): Check {
  if (text === 'tcp') return { kind: 'tcp' }
  if (text === 'grpc') return { kind: 'grpc', service: '' }
  if (/^grpc:[\x21-\x7e]{1,256}$/.test(text)) return { kind: 'grpc', service: text.slice('grpc:'.length) }
  if (/^http:\/[\x21-\x7e]{0,2048}$/.test(text)) return { kind: 'http', path: text.slice('http:'.length) }
  throw new FairleadError('INVALID_ARGUMENT', `bad check ${JSON.stringify(text)}`, {
    hint: 'use tcp, http:/PATH, grpc or grpc:SERVICE',
  })
}

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
    stop = PROBES[check.kind](check as never, address, settle)
  })
}

/** Starts a probe; `settle` may be called more than once. Returns what ends it. */
type Probe<K> = (check: Extract<Check, { kind: K }>, address: Address, settle: (reason?: string) => void) => () => void

const PROBES: { readonly [K in Check['kind']]: Probe<K> } = {
  tcp(_check, { host, port }, settle) {
    const socket = connect({ host, port })
    socket.on('connect', () => settle())
    socket.on('error', (error) => settle(error.message))
    return () => socket.destroy()
  },

  http({ path }, { host, port, address }, settle) {
    const headers = { 'host': address, 'user-agent': 'fairlead' }
    const sent = request({ host, port, path, headers, agent: false }, (response) => {
      const status = response.statusCode ?? 0
      settle(status >= 200 && status < 400 ? undefined : `GET ${path} answered ${status}`)
    })
    sent.on('error', (error) => settle(error.message))
    sent.end()
    return () => sent.destroy()
  },

  grpc({ service }, { address }, settle) {
    const session = connectHttp2(`http://${address}`)
    session.on('error', (error: Error) => settle(error.message))
    session.on('close', () => settle('the connection was closed'))
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'te': 'trailers',
    })
    const answer: Buffer[] = []
    let size = 0
    const judge = (headers: Record<string, unknown>) => {
      const status = headers['grpc-status']
      if (status !== undefined && status !== '0') settle(`the health service answered grpc-status ${String(status)}`)
      else if (status !== undefined) settle(faultOfAnswer(Buffer.concat(answer)))
    }
    stream.on('response', (headers) => {
      const status = headers[':status']
      if (status !== 200) settle(`the health service answered HTTP status ${String(status)}`)
      else judge(headers)
    })
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_HEALTH_ANSWER) settle('the answer of the health service is too large')
      else answer.push(chunk)
    })
    stream.on('trailers', judge)
    stream.on('error', (error) => settle(error.message))
    stream.on('end', () => settle('the health service ended without a status'))
    stream.end(healthRequest(service))
    return () => session.destroy()
  },
}

const MAX_HEALTH_ANSWER = 1024
const SERVING = 1
const STATUS_NAMES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** HealthCheckRequest { string service = 1 } as one uncompressed gRPC message. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service)
  const field = name.length === 0 ? [] : [0x0a, ...varint(name.length), ...name]
  const head = Buffer.alloc(5)
  head.writeUInt32BE(field.length, 1)
  return Buffer.concat([head, Buffer.from(field)])
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

/** HealthCheckResponse { ServingStatus status = 1 }; a status of 0 is left out on the wire. */
function faultOfAnswer(message: Buffer): string | undefined {
  const status = message.length < 5 || message[0] !== 0 ? undefined : message[5] === 0x08 ? message[6] : 0
  if (status === SERVING) return undefined
  return `the health service answered ${status === undefined ? 'nothing readable' : (STATUS_NAMES[status] ?? status)}`
}
