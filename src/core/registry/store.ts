/**
 * What fairlead needs of a registry, in etcd's terms. Every method fails with a FairleadError: UNAVAILABLE (no endpoint
 * answered in time), UNAUTHENTICATED, PERMISSION_DENIED, REFUSED (the registry's own reason), ABORTED (the caller's
 * signal, or the store was closed). A write that failed with UNAVAILABLE may still have been applied. Retrying is the
 * caller's decision.
 */
export interface Store {
  /** Reads the current value of one key, linearizably. */
  get(key: string, options?: CallOptions): Promise<Reading>
  /**
   * Reads every key that starts with `prefix`, linearizably, in pages below the message limit, all at the one revision
   * returned. Entries are in key order.
   */
  list(prefix: string, options?: ListOptions): Promise<Listing>
  /**
   * Every change at `from` or later under any of `prefixes`, in order of revision within a prefix and gapless for as
   * long as the iteration lasts; the changes one revision made under one prefix come in one batch. The first batch is
   * without events and confirms that the watch stands; later ones without events report progress. Ends by throwing,
   * never by returning, unless `signal` aborts: COMPACTED (list again), UNAVAILABLE (the stream broke; watch again from
   * the `next` of the last batch), or an authorisation code. Does not retry by itself.
   */
  watch(prefixes: readonly string[], from: bigint, signal: AbortSignal): AsyncIterable<WatchBatch>
  /**
   * Applies `then` if every condition holds, else `otherwise`, atomically. Changes of one transaction share a revision.
   * NOT_FOUND: a lease named by a put does not exist (any more); nothing was applied.
   */
  txn(transaction: Transaction, options?: CallOptions): Promise<TransactionResult>
  /**
   * Grants a lease. The registry may raise the TTL: go by the one returned. `id` asks for a particular lease id, and
   * CONFLICT tells that it is taken.
   */
  grantLease(ttlSeconds: number, options?: CallOptions & { readonly id?: bigint }): Promise<GrantedLease>
  /** Ends a lease and removes its keys. A lease that no longer exists is not an error. */
  revokeLease(id: bigint, options?: CallOptions): Promise<void>
  /** What is left of a lease; undefined when there is none of that id. */
  leaseInfo(id: bigint, options?: CallOptions): Promise<LeaseInfo | undefined>
  /**
   * Opens a stream that renews leases. `send` may be called for any number of leases; answers arrive through `onAnswer`
   * in any order, with ttlSeconds 0 for a lease that is gone. `onEnd` is called once, when the stream breaks or refuses; open
   * another one then. Nothing is called after `close`.
   */
  openKeepAlive(handlers: KeepAliveHandlers): KeepAliveStream
  /** Asks every configured endpoint for its status, each with the store's command timeout. For diagnosis. */
  members(options?: CallOptions): Promise<readonly MemberStatus[]>
  /** Ends every call and stream. Idempotent. */
  close(): Promise<void>
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Milliseconds; default the store's command timeout. */
  readonly timeoutMs?: number
}

export interface ListOptions extends CallOptions {
  readonly keysOnly?: boolean
}

export interface StoreHeader {
  /** The registry's revision when it answered. */
  readonly revision: bigint
  /** Changes when the registry was replaced by another one. */
  readonly clusterId: string
}

export interface Entry {
  readonly key: string
  readonly value: Buffer
  readonly createRevision: bigint
  readonly modRevision: bigint
  /** 1 for a key just created. */
  readonly version: bigint
  /** The lease the key is bound to, 0n for none. */
  readonly lease: bigint
}

export interface Reading extends StoreHeader {
  readonly entry: Entry | undefined
}

export interface Listing extends StoreHeader {
  readonly entries: readonly Entry[]
}

export interface WatchBatch extends StoreHeader {
  readonly events: readonly StoreEvent[]
  /**
   * Where to watch from after a break: every change below it, under every prefix, has been delivered. Changes at or
   * above it may have been delivered too and will then come again.
   */
  readonly next: bigint
}

export type StoreEvent =
  | { readonly type: 'put'; readonly entry: Entry }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: bigint }

export type Condition =
  | {
      readonly key: string
      readonly target: 'lease' | 'createRevision' | 'modRevision' | 'version'
      readonly is: '=' | '!=' | '<' | '>'
      readonly value: bigint
    }
  | { readonly key: string; readonly target: 'value'; readonly is: '=' | '!='; readonly value: Buffer | string }

export type Operation =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put'; readonly key: string; readonly value: Buffer | string; readonly lease?: bigint }
  | { readonly type: 'delete'; readonly key: string }

export interface Transaction {
  readonly when?: readonly Condition[]
  readonly then: readonly Operation[]
  readonly otherwise?: readonly Operation[]
}

export interface TransactionResult extends StoreHeader {
  readonly succeeded: boolean
  /** One per operation of the branch taken: the entries read by a `get`, empty for the others. */
  readonly results: readonly (readonly Entry[])[]
}

export interface GrantedLease {
  readonly id: bigint
  readonly ttlSeconds: number
}

export interface LeaseInfo extends GrantedLease {
  readonly remainingSeconds: number
  /** The term of the registry's leader. A new leader lets every lease start over with its full TTL. */
  readonly term: bigint
}

export interface KeepAliveHandlers {
  onAnswer(id: bigint, ttlSeconds: number): void
  onEnd(error: Error): void
}

export interface KeepAliveStream {
  send(id: bigint): void
  close(): void
  /** Closes a stream that leaves keepalives unanswered. What comes next goes to another endpoint, where there is one. */
  abandon(): void
}

export interface MemberStatus {
  readonly endpoint: string
  readonly latencyMs?: number
  readonly version?: string
  readonly revision?: bigint
  readonly clusterId?: string
  readonly memberId?: string
  readonly leader?: boolean
  readonly dbSizeBytes?: number
  /** Alarms and other complaints of the member itself. */
  readonly problems: readonly string[]
  /** Set when the member did not answer. */
  readonly error?: Error
}
