import type { ICompare, IEvent, IKeyValue, IRequestOp, IResponseHeader, ITxnRequest, ITxnResponse } from 'etcd3'
import type { Condition, Entry, Operation, StoreEvent, StoreHeader, Transaction, TransactionResult } from '../store.js'

/** The end of the range of all keys that start with `prefix`: the prefix with its last byte one higher. */
export function rangeEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix)
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end.readUInt8(i)
    if (byte === 0xff) continue
    end.writeUInt8(byte + 1, i)
    return end.subarray(0, i + 1)
  }
  return Buffer.from([0])
}

/** The first key of the range of all keys that start with `prefix`. etcd takes an empty key for a missing one. */
export function rangeStart(prefix: string): Buffer {
  return prefix === '' ? Buffer.from([0]) : Buffer.from(prefix)
}

export function toHeader(header: IResponseHeader): StoreHeader {
  return { revision: BigInt(header.revision), clusterId: toId(header.cluster_id) }
}

/** Cluster and member ids as etcd's own tools print them: in hexadecimal. */
export function toId(decimal: string): string {
  return BigInt(decimal).toString(16)
}

/** Values are views on the message they came in; copy one to keep it long. */
export function toEntry(kv: IKeyValue): Entry {
  return {
    key: kv.key.toString(),
    value: kv.value,
    createRevision: BigInt(kv.create_revision),
    modRevision: BigInt(kv.mod_revision),
    version: BigInt(kv.version),
    lease: BigInt(kv.lease),
  }
}

export function toEvent({ type, kv }: IEvent): StoreEvent {
  if (type === 'Put') return { type: 'put', entry: toEntry(kv) }
  return { type: 'delete', key: kv.key.toString(), modRevision: BigInt(kv.mod_revision) }
}

export function fromTransaction({ when = [], then, otherwise = [] }: Transaction): ITxnRequest {
  return { compare: when.map(fromCondition), success: then.map(fromOperation), failure: otherwise.map(fromOperation) }
}

export function toTransactionResult(response: ITxnResponse): TransactionResult {
  return {
    ...toHeader(response.header),
    succeeded: response.succeeded,
    results: response.responses.map(({ response_range }) => response_range?.kvs.map(toEntry) ?? []),
  }
}

const RESULTS = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const
const TARGETS = { version: 0, createRevision: 1, modRevision: 2, value: 3, lease: 4 } as const

function fromCondition(condition: Condition): ICompare {
  const compare = { key: Buffer.from(condition.key), result: RESULTS[condition.is], target: TARGETS[condition.target] }
  switch (condition.target) {
    case 'version':
      return { ...compare, version: String(condition.value) }
    case 'createRevision':
      return { ...compare, create_revision: String(condition.value) }
    case 'modRevision':
      return { ...compare, mod_revision: String(condition.value) }
    case 'lease':
      return { ...compare, lease: String(condition.value) }
    case 'value':
      return { ...compare, value: toBuffer(condition.value) }
  }
}

function fromOperation(operation: Operation): IRequestOp {
  const key = Buffer.from(operation.key)
  switch (operation.type) {
    case 'get':
      return { request_range: { key } }
    case 'put':
      return { request_put: { key, value: toBuffer(operation.value), lease: String(operation.lease ?? 0n) } }
    case 'delete':
      return { request_delete_range: { key } }
  }
}

function toBuffer(value: Buffer | string): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value
}
