import { contains, type KeyName, type KeyRange, keyName, keyRange } from './key-range.js'
import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from './messages.js'
import { SortOrder, SortTarget } from './messages.js'
import { refusal } from './status.js'

/** "max-txn-ops: maximum number of operations permitted in a transaction", etcd's default. */
const MAX_TXN_OPS = 128

const highest = (values: Readonly<Record<string, number>>) => Math.max(...Object.values(values))
const LAST_SORT_ORDER = highest(SortOrder)
const LAST_SORT_TARGET = highest(SortTarget)

export function checkRange(request: RangeRequest): void {
  if (request.key.length === 0) throw refusal('emptyKey')
  const { sort_order: order, sort_target: target } = request
  if (order < 0 || order > LAST_SORT_ORDER || target < 0 || target > LAST_SORT_TARGET) throw refusal('invalidSort')
}

export function checkPut(request: PutRequest): void {
  if (request.key.length === 0) throw refusal('emptyKey')
  if (request.ignore_value && request.value.length > 0) throw refusal('valueProvided')
  if (request.ignore_lease && request.lease !== '0') throw refusal('leaseProvided')
}

export function checkDeleteRange(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw refusal('emptyKey')
}

/** Throws where a transaction is malformed, in itself: nothing here depends on what is stored. */
export function checkTxn(request: TxnRequest): void {
  checkOps(request, MAX_TXN_OPS)
  checkOverlaps(request.success)
  checkOverlaps(request.failure)
}

/** A nested transaction has what its parents leave of the `allowed` operations. */
function checkOps(request: TxnRequest, allowed: number): void {
  const operations = Math.max(request.compare.length, request.success.length, request.failure.length)
  if (operations > allowed) throw refusal('tooManyOps')
  if (request.compare.some((compare) => compare.key.length === 0)) throw refusal('emptyKey')
  for (const op of [...request.success, ...request.failure]) {
    if (op.request_range) checkRange(op.request_range)
    else if (op.request_put) checkPut(op.request_put)
    else if (op.request_delete_range) checkDeleteRange(op.request_delete_range)
    else if (op.request_txn) checkOps(op.request_txn, allowed - operations)
    else throw refusal('keyNotFound')
  }
}

interface Touched {
  readonly puts: Set<KeyName>
  readonly deletes: KeyRange[]
}

/**
 * One branch may put a key once, and not also delete it. The branches of a nested transaction exclude each other, so
 * both may put the same key. As in etcd, a delete nested after a nested put of the same key passes.
 */
function checkOverlaps(branch: readonly RequestOp[]): Touched {
  const puts = new Set<KeyName>()
  const deletes: KeyRange[] = []
  for (const { request_delete_range: request } of branch) {
    if (request) deletes.push(keyRange(request.key, request.range_end))
  }
  const add = (name: KeyName, alternatives?: ReadonlySet<KeyName>) => {
    if (puts.has(name) && !alternatives?.has(name)) throw refusal('duplicateKey')
    if (deletes.some((range) => contains(range, name))) throw refusal('duplicateKey')
    puts.add(name)
  }
  for (const { request_txn: nested } of branch) {
    if (!nested) continue
    const success = checkOverlaps(nested.success)
    const failure = checkOverlaps(nested.failure)
    for (const name of success.puts) add(name)
    for (const name of failure.puts) add(name, success.puts)
    deletes.push(...success.deletes, ...failure.deletes)
  }
  for (const { request_put: request } of branch) {
    if (request) add(keyName(request.key))
  }
  return { puts, deletes }
}
