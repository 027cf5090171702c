import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Logger } from '../../../runtime.js'
import { implement, unary } from '../handlers.js'
import { MAX_REQUEST_BYTES } from '../limits.js'
import type * as m from '../messages.js'
import { encodedSize } from '../proto.js'
import type { RegistryState } from '../registry.js'
import { checkDeleteRange, checkPut, checkRange, checkTxn } from '../request-checks.js'
import { refusal } from '../status.js'

/** What etcd wraps around a request before it measures it: a header with its id, two tags and a length. */
const ENVELOPE_BYTES = 18

export function kvService(
  service: ServiceDefinition,
  registry: RegistryState,
  log: Logger,
): UntypedServiceImplementation {
  const { kv, store } = registry
  /** The same response with a whole header about the same revision. */
  const complete = <R extends { header: m.Header }>(response: R): R => ({
    ...response,
    header: registry.header(response.header.revision),
  })
  return implement(service, {
    Range: unary((request: m.RangeRequest) => {
      checkRange(request)
      return complete(kv.range(request))
    }, log),
    Put: unary((request: m.PutRequest) => {
      checkPut(request)
      checkSize(request)
      return complete(kv.put(request))
    }, log),
    DeleteRange: unary((request: m.DeleteRangeRequest) => {
      checkDeleteRange(request)
      checkSize(request)
      return complete(kv.deleteRange(request))
    }, log),
    Txn: unary((request: m.TxnRequest) => {
      checkTxn(request)
      if (!isReadOnly(request)) checkSize(request)
      return complete(kv.txn(request))
    }, log),
    Compact: unary((request: m.CompactionRequest) => {
      store.compact(Number(request.revision))
      return { header: registry.header() }
    }, log),
  })
}

function checkSize(request: object): void {
  if (encodedSize(request) + ENVELOPE_BYTES > MAX_REQUEST_BYTES) throw refusal('requestTooLarge')
}

function isReadOnly(request: m.TxnRequest): boolean {
  return [...request.success, ...request.failure].every(
    (op) => op.request_range ?? (op.request_txn && isReadOnly(op.request_txn)),
  )
}
