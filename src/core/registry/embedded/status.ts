import { status } from '@grpc/grpc-js'

/** A refusal in etcd's words: what a client receives as gRPC status and detail. */
export class EtcdStatus extends Error {
  override readonly name = 'EtcdStatus'

  constructor(
    readonly code: status,
    readonly details: string,
  ) {
    super(details)
  }
}

/** The refusals of etcd's `api/v3rpc/rpctypes/error.go` that can occur here, code and text to the letter. */
const REFUSALS = {
  emptyKey: [status.INVALID_ARGUMENT, 'etcdserver: key is not provided'],
  keyNotFound: [status.INVALID_ARGUMENT, 'etcdserver: key not found'],
  valueProvided: [status.INVALID_ARGUMENT, 'etcdserver: value is provided'],
  leaseProvided: [status.INVALID_ARGUMENT, 'etcdserver: lease is provided'],
  tooManyOps: [status.INVALID_ARGUMENT, 'etcdserver: too many operations in txn request'],
  duplicateKey: [status.INVALID_ARGUMENT, 'etcdserver: duplicate key given in txn request'],
  requestTooLarge: [status.INVALID_ARGUMENT, 'etcdserver: request is too large'],
  invalidSort: [status.INVALID_ARGUMENT, 'etcdserver: invalid sort option'],
  compacted: [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted'],
  futureRevision: [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision'],
  leaseNotFound: [status.NOT_FOUND, 'etcdserver: requested lease not found'],
  leaseExists: [status.FAILED_PRECONDITION, 'etcdserver: lease already exists'],
  leaseTtlTooLarge: [status.OUT_OF_RANGE, 'etcdserver: too large lease TTL'],
  authNotEnabled: [status.FAILED_PRECONDITION, 'etcdserver: authentication is not enabled'],
} as const satisfies Record<string, readonly [status, string]>

export function refusal(name: keyof typeof REFUSALS): EtcdStatus {
  const [code, details] = REFUSALS[name]
  return new EtcdStatus(code, details)
}
