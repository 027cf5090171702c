import type { Endpoint } from '../model/endpoint.js'
import type { Tombstone } from './tombstone.js'

/** What a registration does about an address that another live one holds. */
export type ConflictMode = 'wait' | 'fail' | 'takeover'

/** What a registration knows of itself. */
export interface Claim {
  readonly id: string
  readonly mode: ConflictMode
  /** Whoever wrote the record after this revision, and is not us, took it from us; undefined if it never was ours. */
  readonly heldAt: bigint | undefined
  /** Whether the lease that it was ours under lives on. If not, the registry may be one that was restored, and never knew of us. */
  readonly isUnbroken: boolean
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
  readonly record:
    { readonly endpoint: Endpoint | undefined; readonly lease: bigint; readonly modRevision: bigint } | undefined
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
  const { heldAt } = claim
  // What was written before the record was ours came back with an older state of the registry (a restored snapshot): nobody took it.
  const isNewer = heldAt !== undefined && record.modRevision > heldAt
  const isTaken = isNewer && (claim.isUnbroken || record.lease === 0n)
  if (holder === claim.id) {
    if (record.lease === claim.lease) return { kind: 'keep', adopt: true }
    // Somebody rewrote our record without its lease, or it is still under a lease that we gave up.
    if (record.lease === 0n || claim.leases.has(record.lease)) return { kind: 'put', adopt: heldAt !== undefined }
    // The same id under the lease of another process: at the start that is our predecessor, later our successor.
    if (!isNewer) return { kind: 'put', adopt: false }
  }
  if (isTaken || (claim.mode === 'fail' && heldAt === undefined)) return { kind: 'conflict', holder }
  // A record without a lease is no live registration: nobody keeps it.
  if (record.lease === 0n || (claim.mode === 'takeover' && !isNewer)) return { kind: 'put', adopt: false }
  return { kind: 'wait', lease: record.lease }
}
