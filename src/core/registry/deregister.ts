import { inParallel } from '../in-parallel.js'
import { parseServiceName } from '../model/service.js'
import type { Runtime } from '../runtime.js'
import { untilUncontended } from './contention.js'
import { findRecords, listRecords } from './find-record.js'
import { KeyLayout } from './keys.js'
import { grantTombstoneLease, type Place, removeRecord, sight } from './record-access.js'
import type { CallOptions, Store } from './store.js'

const CONCURRENCY = 32

/** Which records to take out: those with an address, or every one of the service. */
export type Which = { readonly address: string } | 'all'

/**
 * Takes records out for good: whoever keeps them registered obeys and ends. Returns the addresses taken out, in order; none if there were
 * none. Throws INVALID_ARGUMENT and what the store throws; some records may be gone by then.
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
  return [...new Set(places.filter((_, i) => removed[i]).map(({ address }) => address))]
}

/** False if it was gone already. */
async function removeOne(
  store: Store,
  place: Place,
  lease: bigint | undefined,
  runtime: Runtime,
  options: CallOptions | undefined,
): Promise<boolean> {
  return untilUncontended(place.key, runtime, options?.signal, async () => {
    const seen = await sight(store, place, options)
    if (!seen.record) return false
    const { done } = await removeRecord(store, place, 'deregistered', lease, seen, options)
    return done || undefined
  })
}
