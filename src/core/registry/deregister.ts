import { FairleadError } from '../errors.js'
import { inParallel } from '../in-parallel.js'
import { parseServiceName } from '../model/service.js'
import type { Runtime } from '../runtime.js'
import { untilUncontended } from './contention.js'
import { findRecords, listRecords } from './find-record.js'
import { KeyLayout } from './keys.js'
import { grantTombstoneLease, type Place, removeRecord, sight, type SightedRecord } from './record-access.js'
import type { CallOptions, Store } from './store.js'

const CONCURRENCY = 32

/** Which records to take out: those with an address, or every one of the service. */
export type Which = { readonly address: string } | 'all'

/**
 * Takes records out for good: whoever keeps them registered obeys and ends. Returns the addresses taken out, in order; none if there were
 * none. Throws INVALID_ARGUMENT and what the store throws; some records may be gone by then. REFUSED also tells that they were taken out,
 * but that the registry has no space left for telling those who keep them registered.
 */
export async function deregister(
  store: Store,
  prefix: string,
  service: string,
  which: Which,
  runtime: Runtime,
  options?: CallOptions,
): Promise<readonly string[]> {
  const layout = new KeyLayout(prefix)
  parseServiceName(service)
  const places =
    which === 'all'
      ? await listRecords(store, layout, service, options)
      : await findRecords(store, layout, service, which.address, options)
  if (places.length === 0) return []
  const lease = await grantTombstoneLease(store, 'deregistered', options)
  const removed = await inParallel(places, CONCURRENCY, (place) => removeOne(store, place, lease, runtime, options))
  const addresses = [...new Set(places.filter((_, i) => removed[i]).map(({ address }) => address))]
  // A record without a lease is kept by nobody.
  if (lease === undefined && removed.some((record) => record && record.lease !== 0n)) throw notForGood(addresses)
  return addresses
}

function notForGood(addresses: readonly string[]): FairleadError {
  const what = 'taken out, but not for good: the registry is out of space, and whoever registered it may put it back'
  return new FairleadError('REFUSED', `${addresses.join(', ')}: ${what}`, {
    hint: 'compact and defragment it, then `etcdctl alarm disarm`, and deregister again',
  })
}

/** The record that was removed; false if it was gone already. */
async function removeOne(
  store: Store,
  place: Place,
  lease: bigint | undefined,
  runtime: Runtime,
  options: CallOptions | undefined,
): Promise<SightedRecord | false> {
  return untilUncontended<SightedRecord | false>(place.key, runtime, options?.signal, async () => {
    const seen = await sight(store, place, options)
    if (!seen.record) return false
    const { done } = await removeRecord(store, place, 'deregistered', lease, seen, options)
    return done ? seen.record : undefined
  })
}
