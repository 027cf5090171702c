import { isFailedCall } from '../../balancer/failed-call.js'
import { ErrorCode } from '../http/stream.js'

/** gRPC status codes that a proxy has to do with (gRPC, "Status codes and their use in gRPC"). */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const

/** What a client makes of a stream that was reset before it had a status (gRPC over HTTP/2, "Errors"). */
export function grpcStatusOfReset(code: number): number {
  switch (code) {
    case ErrorCode.REFUSED_STREAM:
      return GrpcStatus.UNAVAILABLE
    case ErrorCode.CONNECT_ERROR:
      // What stands for a connection that was lost.
      return GrpcStatus.UNAVAILABLE
    case ErrorCode.CANCEL:
      return GrpcStatus.CANCELLED
    case ErrorCode.ENHANCE_YOUR_CALM:
      return GrpcStatus.RESOURCE_EXHAUSTED
    case ErrorCode.INADEQUATE_SECURITY:
      return GrpcStatus.PERMISSION_DENIED
    default:
      return GrpcStatus.INTERNAL
  }
}

/**
 * Whether an answer tells against the endpoint that gave it: a status of 500 or above, or a gRPC status that corresponds to one.
 */
export function isEndpointFailure(httpStatus: number, grpcStatus: number): boolean {
  return httpStatus >= 500 || isFailedCall(grpcStatus)
}

/** Percent-encodes a `grpc-message`: all but printable ASCII, and `%` itself (gRPC over HTTP/2, "Percent-Encoded"). */
export function encodeGrpcMessage(message: string): string {
  let encoded = ''
  for (const byte of Buffer.from(message)) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
