const UNKNOWN = 2
const DEADLINE_EXCEEDED = 4
const UNIMPLEMENTED = 12
const INTERNAL = 13
const UNAVAILABLE = 14
const DATA_LOSS = 15

/**
 * Whether a gRPC status tells against the endpoint that gave it: one that corresponds to an HTTP status of 500 or above (as Envoy's outlier
 * detection has it; that a caller asked for something impossible is no fault of the endpoint).
 */
export function isFailedCall(grpcStatus: number): boolean {
  switch (grpcStatus) {
    case UNKNOWN:
    case DEADLINE_EXCEEDED:
    case UNIMPLEMENTED:
    case INTERNAL:
    case UNAVAILABLE:
    case DATA_LOSS:
      return true
    default:
      return false
  }
}
