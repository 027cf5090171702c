import { connect as connectHttp2, constants } from 'node:http2'
import type { Socket } from 'node:net'

/**
 * Asks a server's `grpc.health.v1.Health` about a service (empty: the server as a whole). `settle` may be called more than
 * once, with a reason unless it is SERVING. Returns what ends it.
 */
export function probeGrpc(
  service: string,
  origin: string,
  createConnection: () => Socket,
  settle: (reason?: string) => void,
): () => void {
  const session = connectHttp2(origin, { createConnection })
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
