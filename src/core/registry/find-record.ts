import { tryParseAddress } from '../model/address.js'
import { decodeRecord } from './record.js'
import type { KeyLayout } from './keys.js'
import { type Place, placeOf, sight } from './record-access.js'
import type { CallOptions, Entry, Store } from './store.js'

/**
 * Where the records with an address lie: under the keys fairlead would give them or, if nothing is there, under any key of the service.
 * Empty if there are none. `address` may also be the end of the key of a record that cannot be read.
 */
export async function findRecords(
  store: Store,
  layout: KeyLayout,
  service: string,
  address: string,
  options?: CallOptions,
): Promise<readonly Place[]> {
  const parsed = tryParseAddress(address)
  const canonical = typeof parsed === 'string' ? address : parsed.address
  const usual = (['server', 'balancer'] as const).map((role) => placeOf(layout, service, canonical, role))
  const sightings = await Promise.all(usual.map((place) => sight(store, place, options)))
  const found = usual.filter((_, i) => sightings[i]!.record !== undefined)
  if (found.length > 0) return found
  const all = await listRecords(store, layout, service, options)
  return all.filter((place) => place.address === canonical || place.tail === address)
}

/** Where all records of a service lie, those that cannot be read included (their address is the end of the key). */
export async function listRecords(
  store: Store,
  layout: KeyLayout,
  service: string,
  options?: CallOptions,
): Promise<readonly Place[]> {
  const servers = await store.list(layout.records(service), options)
  const balancers = await store.list(layout.balancers(service), options)
  return [...servers.entries, ...balancers.entries].flatMap((entry) => placeOfEntry(layout, entry))
}

function placeOfEntry(layout: KeyLayout, entry: Entry): Place[] {
  const parsed = layout.parse(entry.key)
  if (parsed?.kind !== 'record' && parsed?.kind !== 'balancer') return []
  const role = parsed.kind === 'balancer' ? 'balancer' : 'server'
  const { service, tail } = parsed
  const decoded = decodeRecord(entry, tail, role)
  const address = 'reason' in decoded ? tail : decoded.endpoint.address
  return [{ key: entry.key, tombstoneKey: layout.tombstone(service, address), tail, role, address }]
}
