import { byAddress, compareText } from '../model/order.js'
import type { SkippedRecord } from '../model/snapshot.js'
import type { KeyLayout } from './keys.js'
import { decodeRecord, type Registered } from './record.js'
import type { Entry } from './store.js'

/** What the records of one service say together. */
export interface ServiceRecords {
  /** Sorted by address; each address once. */
  readonly registered: readonly Registered[]
  /** Records that could not be read or that repeat an address, sorted by key. */
  readonly skipped: readonly SkippedRecord[]
}

/** Reads the entries of one service, servers and balancers in any order. Entries that are no records are ignored. */
export function decodeService(layout: KeyLayout, entries: Iterable<Entry>): ServiceRecords {
  const records: (Registered | SkippedRecord)[] = []
  for (const entry of entries) {
    const record = decodeEntry(layout, entry)
    if (record) records.push(record)
  }
  return mergeRecords(records)
}

/** Reads one entry; undefined where its key is not that of a record. */
export function decodeEntry(layout: KeyLayout, entry: Entry): Registered | SkippedRecord | undefined {
  const parsed = layout.parse(entry.key)
  if (parsed?.kind === 'record') return decodeRecord(entry, parsed.tail, 'server')
  if (parsed?.kind === 'balancer') return decodeRecord(entry, parsed.tail, 'balancer')
  return undefined
}

/** Puts decoded records together: two with one address are one endpoint, and the one created last counts. */
export function mergeRecords(records: Iterable<Registered | SkippedRecord>): ServiceRecords {
  const counting = new Map<string, Registered>()
  const skipped: SkippedRecord[] = []
  for (const record of records) {
    if ('reason' in record) {
      skipped.push(record)
      continue
    }
    const { address } = record.endpoint
    const other = counting.get(address)
    const newer = other === undefined || newestFirst(record, other) < 0 ? record : other
    if (other) skipped.push(repeats(newer === record ? other : record, newer))
    counting.set(address, newer)
  }
  return {
    registered: [...counting.values()].sort((a, b) => byAddress(a.endpoint, b.endpoint)),
    skipped: skipped.sort((a, b) => compareText(a.key, b.key)),
  }
}

/**
 * The order of records of one address, the one that counts first: "the newest create revision wins". Two of one transaction
 * have the same; the later key wins then.
 */
export function newestFirst(a: Registered, b: Registered): number {
  if (a.createRevision !== b.createRevision) return a.createRevision > b.createRevision ? -1 : 1
  return compareText(b.key, a.key)
}

/** Why a record does not count beside a newer one of the same address. */
export function repeats(record: Registered, newer: Registered): SkippedRecord {
  return { key: record.key, reason: `repeats the address ${record.endpoint.address} of the newer ${newer.key}` }
}
