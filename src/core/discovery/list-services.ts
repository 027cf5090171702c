import { isReadyServer } from '../model/endpoint.js'
import { compareText } from '../model/order.js'
import type { SkippedRecord } from '../model/snapshot.js'
import { KeyLayout } from '../registry/keys.js'
import type { Registered } from '../registry/record.js'
import { decodeEntry, mergeRecords } from '../registry/service-records.js'
import type { CallOptions, Store } from '../registry/store.js'

/** One line of the list of services. */
export interface ServiceSummary {
  readonly service: string
  /** Servers and balancers in every state. */
  readonly endpoints: number
  /** Servers in state ready. */
  readonly ready: number
  /** Records that cannot be read or that repeat an address. */
  readonly skipped: number
}

/** The names of the services that have a record below `prefix`, in order; of the records only the keys are read. Fails as the store does. */
export async function listServiceNames(
  store: Pick<Store, 'list'>,
  prefix: string,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const layout = new KeyLayout(prefix)
  const { entries } = await store.list(layout.root, { ...options, keysOnly: true })
  const names = entries.flatMap(({ key }) => {
    const parsed = layout.parse(key)
    return parsed?.kind === 'record' || parsed?.kind === 'balancer' ? parsed.service : []
  })
  return [...new Set(names)].sort(compareText)
}

/** Lists the services that have a record below `prefix`, in order of name, by one linearizable read. Fails as the store does. */
export async function listServices(
  store: Pick<Store, 'list'>,
  prefix: string,
  options: CallOptions = {},
): Promise<readonly ServiceSummary[]> {
  const layout = new KeyLayout(prefix)
  const { entries } = await store.list(layout.root, options)
  const services = new Map<string, (Registered | SkippedRecord)[]>()
  for (const entry of entries) {
    const record = decodeEntry(layout, entry)
    if (!record) continue
    const { service } = layout.parse(entry.key)!
    const records = services.get(service)
    if (records) records.push(record)
    else services.set(service, [record])
  }
  return [...services]
    .map(([service, records]) => {
      const { registered, skipped } = mergeRecords(records)
      const ready = registered.filter(({ endpoint }) => isReadyServer(endpoint))
      return { service, endpoints: registered.length, ready: ready.length, skipped: skipped.length }
    })
    .sort((a, b) => compareText(a.service, b.service))
}
