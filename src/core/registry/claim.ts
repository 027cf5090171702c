import type { Endpoint } from '../model/endpoint.js'
import type { Tombstone } from './tombstone.js'

/** What a registration does about an address that another live one holds. */
export type ConflictMode = 'wait' | 'fail' | 'takeover'

/** What a registration knows of itself. */
export interface Claim {
  readonly id: string
  readonly mode: ConflictMode
  /** Whether the record has been ours before. */
  readonly held: boolean
  /** The lease to put the record under. */
  readonly lease: bigint
  /** Every lease that was ours, this one included. */
  readonly leases: ReadonlySet<bigint>
  /** Tombstones up to this revision are older than the registration. */
  readonly since: bigint
}

/** What lies at the registration's key, both read at one revision. */
export interface Observation {
  /** `endpoint` is undefined for a record that cannot be read. */
  readonly record: { readonly endpoint: Endpoint | undefined; readonly lease: bigint } | undefined
  readonly tombstone: (Tombstone & { readonly modRevision: bigint }) | undefined
}

/**
 * What to do about an observation:
 * - `put`: write the record. `adopt` tells that what is there is ours and that what others set in it counts.
 * - `keep`: it is there as it should be.
 * - `wait`: until the lease of the record ends.
 * - `conflict`: somebody else holds the address.
 * - `deregistered`: the record was taken out for good.
 */
export type Verdict =
  | { readonly kind: 'put' | 'keep'; readonly adopt: boolean }
  | { readonly kind: 'wait'; readonly lease: bigint }
  | { readonly kind: 'conflict'; readonly holder: string }
  | { readonly kind: 'deregistered' }

export function judge(claim: Claim, { record, tombstone }: Observation): Verdict {
  if (!record) {
    const buried = tombstone?.reason === 'deregistered' && tombstone.id === claim.id
    if (buried && tombstone.modRevision > claim.since) return { kind: 'deregistered' }
    return { kind: 'put', adopt: false }
  }
  const holder = record.endpoint?.id ?? 'an unreadable record'
  if (holder === claim.id) {
    if (record.lease === claim.lease) return { kind: 'keep', adopt: true }
    // Somebody rewrote our record without its lease, or it is still under a lease that we gave up.
    if (record.lease === 0n || claim.leases.has(record.lease)) return { kind: 'put', adopt: claim.held }
    // The same id under the lease of another process: at the start that is our predecessor, later our successor.
    return claim.held ? { kind: 'conflict', holder } : { kind: 'put', adopt: false }
  }
  if (claim.held || claim.mode === 'fail') return { kind: 'conflict', holder }
  // A record without a lease is no live registration: nobody keeps it.
  if (claim.mode === 'takeover' || record.lease === 0n) return { kind: 'put', adopt: false }
  return { kind: 'wait', lease: record.lease }
}
