import type { FairleadError } from '../errors.js'
import type { SkippedRecord } from '../model/snapshot.js'
import type { Registered } from '../registry/record.js'

/** One thing that happened in the registry, for those who want to see each change rather than the latest set. */
export type RegistryEvent =
  /** All there is: first of all, and again for a reader that fell too far behind. Services in order of name. */
  | { readonly type: 'snapshot'; readonly revision: bigint; readonly services: readonly ServiceContents[] }
  /** An endpoint came or changed. */
  | { readonly type: 'put'; readonly service: string; readonly revision: bigint; readonly record: Registered }
  | {
      readonly type: 'delete'
      readonly service: string
      readonly revision: bigint
      /** As it was last. */
      readonly record: Registered
      readonly reason: DepartureReason
    }
  /** The registry is away since `since` (monotonic milliseconds of the Runtime clock). What was told up to `revision` still counts. */
  | { readonly type: 'stale'; readonly revision: bigint; readonly since: number; readonly error: FairleadError }
  /** The registry is back. */
  | { readonly type: 'live'; readonly revision: bigint }

/**
 * `deregistered`: taken out on purpose, as its tombstone tells. `expired`: its lease ended, or it was deleted or revoked without
 * a tombstone, which looks the same. `deleted`: it had no lease, so somebody deleted it.
 */
export type DepartureReason = 'deregistered' | 'expired' | 'deleted'

export interface ServiceContents {
  readonly service: string
  /** Sorted by address. */
  readonly records: readonly Registered[]
  readonly skipped: readonly SkippedRecord[]
}
