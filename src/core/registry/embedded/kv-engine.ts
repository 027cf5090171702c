import { holds } from './compare.js'
import { keyRange } from './key-range.js'
import type * as m from './messages.js'
import { type MvccStore, singleKey, type WriteTransaction } from './mvcc-store.js'
import { answerRange } from './range-query.js'
import { refusal } from './status.js'

/** Which leases exist. */
export interface LeaseDirectory {
  has(lease: string): boolean
}

/**
 * Range, Put, DeleteRange and Txn on a store. Requests have passed request-checks.ts; what depends on the state is
 * checked here, before anything is written. Headers carry the revision only.
 */
export class KvEngine {
  constructor(
    private readonly store: MvccStore,
    private readonly leases: LeaseDirectory,
  ) {}

  range(request: m.RangeRequest): m.RangeResponse {
    return answerRange(this.store, request)
  }

  put(request: m.PutRequest): m.PutResponse {
    this.#checkLease(request)
    this.#checkPrevious(request)
    return this.store.write((transaction) => applyPut(transaction, request))
  }

  deleteRange(request: m.DeleteRangeRequest): m.DeleteRangeResponse {
    return this.store.write((transaction) => applyDeleteRange(transaction, request))
  }

  /** Comparisons, those of nested transactions too, and checks see the state before the first operation. */
  txn(request: m.TxnRequest): m.TxnResponse {
    const plan = this.#plan(request)
    this.#check(plan, (op) => {
      if (!op.request_put) return
      this.#checkPrevious(op.request_put)
      this.#checkLease(op.request_put)
    })
    this.#check(plan, (op) => {
      if (op.request_range) this.store.checkReadable(Number(op.request_range.revision))
    })
    const response = this.store.write((transaction) => applyPlan(transaction, plan))
    return { ...response, header: { revision: this.store.revision } }
  }

  #plan(request: m.TxnRequest): Plan {
    const succeeded = request.compare.every((compare) => holds(this.store, compare))
    const branch = succeeded ? request.success : request.failure
    return { succeeded, steps: branch.map((op) => (op.request_txn ? this.#plan(op.request_txn) : op)) }
  }

  #check(plan: Plan, check: (op: m.RequestOp) => void): void {
    for (const step of plan.steps) {
      if ('steps' in step) this.#check(step, check)
      else check(step)
    }
  }

  #checkLease({ lease }: m.PutRequest): void {
    if (lease !== '0' && !this.leases.has(lease)) throw refusal('leaseNotFound')
  }

  /** "If ignore_value is set, etcd updates the key using its current value. Returns an error if the key does not exist." */
  #checkPrevious({ key, ignore_value, ignore_lease }: m.PutRequest): void {
    if ((ignore_value || ignore_lease) && this.store.read(singleKey(key)).count === 0) throw refusal('keyNotFound')
  }
}

/** A transaction whose comparisons are decided, all the way down. */
interface Plan {
  readonly succeeded: boolean
  readonly steps: readonly (m.RequestOp | Plan)[]
}

function applyPlan(transaction: WriteTransaction, plan: Plan): m.TxnResponse {
  const responses = plan.steps.map((step) => applyStep(transaction, step))
  // As etcd, whose nested transactions have an empty header; the caller gives the outermost its revision.
  return { header: { revision: 0 }, succeeded: plan.succeeded, responses }
}

function applyStep(transaction: WriteTransaction, step: m.RequestOp | Plan): m.ResponseOp {
  if ('steps' in step) return { response_txn: applyPlan(transaction, step) }
  if (step.request_range) return { response_range: answerRange(transaction, step.request_range) }
  if (step.request_put) return { response_put: applyPut(transaction, step.request_put) }
  return { response_delete_range: applyDeleteRange(transaction, step.request_delete_range!) }
}

function applyPut(transaction: WriteTransaction, request: m.PutRequest): m.PutResponse {
  const previous = transaction.read(singleKey(request.key)).kvs[0]
  const value = request.ignore_value ? previous!.value : request.value
  const lease = request.ignore_lease ? previous!.lease : request.lease
  transaction.put(request.key, value, lease)
  const header = { revision: transaction.revision }
  return request.prev_kv && previous ? { header, prev_kv: previous } : { header }
}

function applyDeleteRange(transaction: WriteTransaction, request: m.DeleteRangeRequest): m.DeleteRangeResponse {
  const deleted = transaction.deleteRange(keyRange(request.key, request.range_end))
  const prev_kvs = request.prev_kv ? deleted : []
  return { header: { revision: transaction.revision }, deleted: deleted.length, prev_kvs }
}
