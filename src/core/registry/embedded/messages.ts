/**
 * The messages of the etcd v3 API as they arrive here: names as in the .proto files, bytes as Buffers, 64-bit integers
 * of requests as decimal strings, members of a oneof absent unless set, everything else filled with its default.
 */

/** A key's state at one revision. `version` 0 marks a tombstone: the key was deleted at `mod_revision`. */
export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly create_revision: number
  readonly mod_revision: number
  readonly version: number
  /** Decimal lease id, '0' for none. */
  readonly lease: string
}

export interface Header {
  readonly cluster_id?: string
  readonly member_id?: string
  readonly raft_term?: number
  readonly revision: number
}

export const SortOrder = { NONE: 0, ASCEND: 1, DESCEND: 2 } as const
export const SortTarget = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const

export interface RangeRequest {
  readonly key: Buffer
  readonly range_end: Buffer
  readonly limit: string
  readonly revision: string
  readonly sort_order: number
  readonly sort_target: number
  readonly keys_only: boolean
  readonly count_only: boolean
  readonly min_mod_revision: string
  readonly max_mod_revision: string
  readonly min_create_revision: string
  readonly max_create_revision: string
}

export interface RangeResponse {
  readonly header: Header
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
  readonly count: number
}

export interface PutRequest {
  readonly key: Buffer
  readonly value: Buffer
  readonly lease: string
  readonly prev_kv: boolean
  readonly ignore_value: boolean
  readonly ignore_lease: boolean
}

export interface PutResponse {
  readonly header: Header
  readonly prev_kv?: KeyValue
}

export interface DeleteRangeRequest {
  readonly key: Buffer
  readonly range_end: Buffer
  readonly prev_kv: boolean
}

export interface DeleteRangeResponse {
  readonly header: Header
  readonly deleted: number
  readonly prev_kvs: readonly KeyValue[]
}

/** Exactly one member is set; none is a malformed request. */
export interface RequestOp {
  readonly request_range?: RangeRequest
  readonly request_put?: PutRequest
  readonly request_delete_range?: DeleteRangeRequest
  readonly request_txn?: TxnRequest
}

export interface ResponseOp {
  readonly response_range?: RangeResponse
  readonly response_put?: PutResponse
  readonly response_delete_range?: DeleteRangeResponse
  readonly response_txn?: TxnResponse
}

export const CompareResult = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const
export const CompareTarget = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const

export interface Compare {
  readonly result: number
  readonly target: number
  readonly key: Buffer
  readonly range_end: Buffer
  readonly version?: string
  readonly create_revision?: string
  readonly mod_revision?: string
  readonly value?: Buffer
  readonly lease?: string
}

export interface TxnRequest {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}

export interface TxnResponse {
  readonly header: Header
  readonly succeeded: boolean
  readonly responses: readonly ResponseOp[]
}

export interface CompactionRequest {
  readonly revision: string
}

export const FilterType = { NOPUT: 0, NODELETE: 1 } as const

export interface WatchCreateRequest {
  readonly key: Buffer
  readonly range_end: Buffer
  readonly start_revision: string
  readonly progress_notify: boolean
  readonly filters: readonly number[]
  readonly prev_kv: boolean
  readonly watch_id: string
  readonly fragment: boolean
}

export interface WatchRequest {
  readonly create_request?: WatchCreateRequest
  readonly cancel_request?: { readonly watch_id: string }
  readonly progress_request?: object
}

export const EventType = { PUT: 0, DELETE: 1 } as const

export interface WatchEvent {
  readonly type: number
  readonly kv: KeyValue | { readonly key: Buffer; readonly mod_revision: number }
  readonly prev_kv?: KeyValue
}

export interface WatchResponse {
  readonly header: Header
  readonly watch_id: string
  readonly created?: boolean
  readonly canceled?: boolean
  readonly compact_revision?: number
  readonly cancel_reason?: string
  readonly fragment?: boolean
  readonly events?: readonly WatchEvent[]
}
