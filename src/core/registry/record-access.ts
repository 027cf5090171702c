import { FairleadError } from '../errors.js'
import type { Endpoint, EndpointRole } from '../model/endpoint.js'
import type { KeyLayout } from './keys.js'
import { decodeRecord, encodeRecord } from './record.js'
import {
  DEREGISTERED_TTL_SECONDS,
  decodeTombstone,
  type Departure,
  encodeTombstone,
  TOMBSTONE_TTL_SECONDS,
  type Tombstone,
} from './tombstone.js'
import type { CallOptions, Condition, Entry, Operation, Store, StoreHeader } from './store.js'

/** Where one record and its tombstone lie. */
export interface Place {
  readonly key: string
  readonly tombstoneKey: string
  /** What follows the service in the key. */
  readonly tail: string
  readonly role: EndpointRole
  readonly address: string
}

/** What lies there, read at one revision. */
export interface Sighting extends StoreHeader {
  readonly record: SightedRecord | undefined
  readonly tombstone: (Tombstone & { readonly modRevision: bigint }) | undefined
}

export interface SightedRecord {
  /** Undefined for a record that cannot be read. */
  readonly endpoint: Endpoint | undefined
  readonly lease: bigint
  readonly modRevision: bigint
}

/** The outcome of a guarded write: done at `revision`, or what is there instead. */
export type Attempt =
  { readonly done: true; readonly revision: bigint } | { readonly done: false; readonly seen: Sighting }

export function placeOf(layout: KeyLayout, service: string, address: string, role: EndpointRole): Place {
  const key = layout.record(service, address, role)
  return { key, tombstoneKey: layout.tombstone(service, address), tail: address, role, address }
}

/** Reads a record and its tombstone together. */
export async function sight(store: Store, place: Place, options?: CallOptions): Promise<Sighting> {
  const result = await store.txn({ then: lookAt(place) }, options)
  return sighting(place, result, result.results)
}

/** Writes a record (and clears its tombstone) if it is still as it was seen. NOT_FOUND: the registry does not know the lease. */
export async function putRecord(
  store: Store,
  place: Place,
  endpoint: Endpoint,
  lease: bigint,
  seen: Sighting,
  options?: CallOptions,
): Promise<Attempt> {
  const value = encodeRecord(endpoint)
  const put: Operation = { type: 'put', key: place.key, value, ...(lease === 0n ? {} : { lease }) }
  return attempt(store, place, seen, [put, { type: 'delete', key: place.tombstoneKey }], options)
}

/**
 * A lease for tombstones. Undefined where the registry refuses one (it may have no space left): then records go without.
 */
export async function grantTombstoneLease(
  store: Store,
  reason: Departure,
  options?: CallOptions,
): Promise<bigint | undefined> {
  const ttlSeconds = reason === 'deregistered' ? DEREGISTERED_TTL_SECONDS : TOMBSTONE_TTL_SECONDS
  try {
    return (await store.grantLease(ttlSeconds, options)).id
  } catch (error) {
    if (error instanceof FairleadError && error.code === 'REFUSED') return undefined
    throw error
  }
}

/** Takes a record out on purpose if it is still as it was seen, and leaves a tombstone so that readers can tell. */
export async function removeRecord(
  store: Store,
  place: Place,
  reason: Departure,
  tombstoneLease: bigint | undefined,
  seen: Sighting,
  options?: CallOptions,
): Promise<Attempt> {
  const operations: Operation[] = [{ type: 'delete', key: place.key }]
  if (tombstoneLease !== undefined) {
    const value = encodeTombstone({ id: seen.record?.endpoint?.id ?? place.address, reason })
    operations.push({ type: 'put', key: place.tombstoneKey, value, lease: tombstoneLease })
  }
  return attempt(store, place, seen, operations, options)
}

async function attempt(
  store: Store,
  place: Place,
  seen: Sighting,
  then: readonly Operation[],
  options: CallOptions | undefined,
): Promise<Attempt> {
  const value = seen.record?.modRevision ?? 0n
  const unchanged: Condition = { key: place.key, target: 'modRevision', is: '=', value }
  const result = await store.txn({ when: [unchanged], then, otherwise: lookAt(place) }, options)
  if (result.succeeded) return { done: true, revision: result.revision }
  return { done: false, seen: sighting(place, result, result.results) }
}

function lookAt(place: Place): readonly Operation[] {
  return [
    { type: 'get', key: place.key },
    { type: 'get', key: place.tombstoneKey },
  ]
}

function sighting(place: Place, header: StoreHeader, results: readonly (readonly Entry[])[]): Sighting {
  const entry = results[0]?.[0]
  const buried = results[1]?.[0]
  const tombstone = buried && decodeTombstone(buried.value)
  return {
    revision: header.revision,
    clusterId: header.clusterId,
    record: entry && sightedRecord(entry, place),
    tombstone: tombstone && { ...tombstone, modRevision: buried.modRevision },
  }
}

function sightedRecord(entry: Entry, place: Place): SightedRecord {
  const decoded = decodeRecord(entry, place.tail, place.role)
  const { lease, modRevision } = entry
  return { endpoint: 'reason' in decoded ? undefined : decoded.endpoint, lease, modRevision }
}
