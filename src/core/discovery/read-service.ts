import { FairleadError } from '../errors.js'
import { parseServiceName } from '../model/service.js'
import type { SkippedRecord, Snapshot } from '../model/snapshot.js'
import { KeyLayout } from '../registry/keys.js'
import type { Registered } from '../registry/record.js'
import { decodeServiceConfig } from '../registry/service-config.js'
import { decodeService } from '../registry/service-records.js'
import type { CallOptions, Store } from '../registry/store.js'

/** What the registry holds of a service at one moment. */
export interface ServiceReading {
  readonly service: string
  readonly revision: bigint
  /** Servers and balancers in every state, sorted by address. */
  readonly records: readonly Registered[]
  /** Records that cannot be read or that repeat an address, a service config that is none, and what the user may not read. */
  readonly skipped: readonly SkippedRecord[]
  readonly serviceConfig?: Readonly<Record<string, unknown>>
  /** Where it was read. */
  readonly places: readonly ReadPlace[]
}

export interface ReadPlace {
  /** A key, or a prefix where it ends in `/`. */
  readonly key: string
  readonly revision: bigint
  readonly keys: number
}

/**
 * Reads a service once, linearizably. One that nobody registered is an empty reading. Fails as the store does, and with
 * INVALID_ARGUMENT for a bad name or prefix.
 */
export async function readService(
  store: Pick<Store, 'list' | 'get'>,
  prefix: string,
  name: string,
  options: CallOptions = {},
): Promise<ServiceReading> {
  const layout = new KeyLayout(prefix)
  const service = parseServiceName(name)
  const barred: SkippedRecord[] = []
  const [servers, balancers, config] = await Promise.all([
    store.list(layout.records(service), options),
    unlessBarred(layout.balancers(service), barred, (key) => store.list(key, options)),
    unlessBarred(layout.config(service), barred, (key) => store.get(key, options)),
  ])
  const { registered, skipped } = decodeService(layout, [...servers.entries, ...(balancers?.entries ?? [])])
  const decoded = config?.entry && decodeServiceConfig(config.entry)
  return {
    service,
    revision: servers.revision,
    records: registered,
    skipped: [...skipped, ...(decoded && 'reason' in decoded ? [decoded] : []), ...barred],
    ...(decoded && 'config' in decoded ? { serviceConfig: decoded.config } : undefined),
    places: [
      { key: layout.records(service), revision: servers.revision, keys: servers.entries.length },
      ...(balancers
        ? [{ key: layout.balancers(service), revision: balancers.revision, keys: balancers.entries.length }]
        : []),
      ...(config ? [{ key: layout.config(service), revision: config.revision, keys: config.entry ? 1 : 0 }] : []),
    ],
  }
}

const BARRED = 'the registry does not permit the user to read it'

/** What lies beside the records is not vital: where the user may not read it, that is noted instead. */
async function unlessBarred<T>(
  key: string,
  barred: SkippedRecord[],
  read: (key: string) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read(key)
  } catch (error) {
    if (!(error instanceof FairleadError && error.code === 'PERMISSION_DENIED')) throw error
    barred.push({ key, reason: BARRED })
    return undefined
  }
}

/** The endpoints of a reading, as balancers take them. */
export function snapshotOf({ service, revision, records, skipped, serviceConfig }: ServiceReading): Snapshot {
  const endpoints = Object.freeze(records.map(({ endpoint }) => endpoint))
  return Object.freeze({ service, revision, endpoints, skipped, ...(serviceConfig && { serviceConfig }) })
}

/** NOT_FOUND for a service of which nothing is registered, not even what cannot be read; else undefined. */
export function unknownService({ service, records, skipped }: ServiceReading): FairleadError | undefined {
  if (records.length > 0 || skipped.some(({ reason }) => reason !== BARRED)) return undefined
  return new FairleadError('NOT_FOUND', `no service ${JSON.stringify(service)}`, {
    hint: 'fairlead services lists what is registered',
  })
}
