import { encodeFields } from '../http/field-block.js'
import { Head, Method, type MethodCode, NO_FIELDS } from '../http/head.js'
import type { Stream } from '../http/stream.js'
import { encodeGrpcMessage, GrpcStatus } from './grpc-status.js'

/** Why the proxy itself answers a request. */
export interface LocalReply {
  readonly status: number
  readonly grpcStatus: number
  /** For the client: no addresses, no inner matters. */
  readonly text: string
}

export const CONNECT_REFUSED: LocalReply = {
  status: 405,
  grpcStatus: GrpcStatus.UNIMPLEMENTED,
  text: 'CONNECT is not supported',
}
export const TOO_LATE: LocalReply = {
  status: 504,
  grpcStatus: GrpcStatus.DEADLINE_EXCEEDED,
  text: 'the request took longer than it may',
}
/** Nothing moved for the idle timeout, while the client's request or the endpoint's answer was awaited. */
export const IDLE_CLIENT: LocalReply = {
  status: 408,
  grpcStatus: GrpcStatus.UNAVAILABLE,
  text: 'nothing of the request came for too long',
}
export const IDLE: LocalReply = {
  status: 504,
  grpcStatus: GrpcStatus.UNAVAILABLE,
  text: 'nothing was sent for too long',
}
export const OVERLOADED: LocalReply = {
  status: 503,
  grpcStatus: GrpcStatus.UNAVAILABLE,
  text: 'too much is under way to the endpoints',
}
export const UNREACHABLE: LocalReply = {
  status: 503,
  grpcStatus: GrpcStatus.UNAVAILABLE,
  text: 'no endpoint could be reached',
}
export const NO_HTTP2: LocalReply = {
  status: 502,
  grpcStatus: GrpcStatus.UNAVAILABLE,
  text: 'the endpoint does not speak HTTP/2, which gRPC needs',
}
export const NO_ENDPOINT: LocalReply = {
  status: 503,
  grpcStatus: GrpcStatus.UNAVAILABLE,
  text: 'no endpoint is available',
}

/** The endpoint broke off before it answered. */
export function brokenOff(grpcStatus: number): LocalReply {
  return { status: 502, grpcStatus, text: 'the endpoint broke off' }
}

/** Answers a request nothing of whose response has been sent. gRPC clients get a status without a body (trailers-only). */
export function sendLocalReply(stream: Stream, reply: LocalReply, method: MethodCode, isGrpc: boolean): void {
  const head = new Head()
  if (isGrpc) {
    head.status = 200
    head.grpcStatus = reply.grpcStatus
    setFields(head, [[':status', '200'], ['content-type', 'application/grpc'], ...statusFields(reply)])
    return stream.sendHead(head, NO_FIELDS, true)
  }
  const body = Buffer.from(`${reply.text}\n`)
  head.status = reply.status
  head.contentLength = body.length
  setFields(head, [
    [':status', String(reply.status)],
    ['content-type', 'text/plain; charset=utf-8'],
    ['content-length', String(body.length)],
    ...(reply.status === 405 ? [['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'] as const] : []),
  ])
  if (method === Method.HEAD) return stream.sendHead(head, NO_FIELDS, true)
  stream.sendHead(head, NO_FIELDS, false)
  stream.sendData(body, 0, body.length, true)
}

/** Ends a gRPC response that has begun. */
export function sendLocalTrailers(stream: Stream, reply: LocalReply): void {
  const trailers = new Head()
  trailers.grpcStatus = reply.grpcStatus
  setFields(trailers, statusFields(reply))
  stream.sendTrailers(trailers)
}

function statusFields({ grpcStatus, text }: LocalReply): [string, string][] {
  return [
    ['grpc-status', String(grpcStatus)],
    ['grpc-message', encodeGrpcMessage(text)],
  ]
}

function setFields(head: Head, pairs: Iterable<readonly [string, string]>): void {
  head.block = encodeFields(pairs)
  head.length = head.block.length
}
