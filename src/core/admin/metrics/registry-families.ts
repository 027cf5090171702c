import type { ListenerReading } from '../../proxy/reading.js'
import { type Family, gauge } from './family.js'

/**
 * Of the registry that something goes by.
 *
 * @param without what is done while it is away, and `which` revision is meant, as the help says it
 */
export function registryFamilies<Item>(
  read: (item: Item) => ListenerReading['registry'],
  without: string,
  which: string,
): readonly Family<Item>[] {
  return [
    gauge(
      'fairlead_registry_up',
      `Whether the registry is there; without it ${without}.`,
      (item) => read(item).stale === undefined,
    ),
    gauge(
      'fairlead_registry_stale_seconds',
      'For how long nothing was heard of the registry; 0 while it is there.',
      (item) => (read(item).stale?.forMs ?? 0) / 1000,
    ),
    gauge('fairlead_registry_revision', `Revision of the registry ${which}.`, (item) =>
      Number(read(item).revision ?? 0),
    ),
  ]
}
