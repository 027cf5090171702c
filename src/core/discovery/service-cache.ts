import type { Endpoint } from '../model/endpoint.js'
import { byAddress, compareText } from '../model/order.js'
import type { SkippedRecord, Snapshot } from '../model/snapshot.js'
import type { ParsedKey } from '../registry/keys.js'
import { decodeRecord, type Registered } from '../registry/record.js'
import { decodeServiceConfig } from '../registry/service-config.js'
import { newestFirst, repeats } from '../registry/service-records.js'
import type { Entry } from '../registry/store.js'
import { sameEndpoint } from './same-endpoint.js'

/** What an entry did to a service as its users see it. `record` is the endpoint that came, changed or went. */
export interface Change {
  readonly type: 'put' | 'delete'
  readonly service: string
  readonly revision: bigint
  readonly record: Registered
}

interface Held {
  readonly entry: Entry
  /** Set for servers and balancers; not for tombstones and the service config. */
  readonly record?: Registered | SkippedRecord
}

interface Tombstone {
  readonly revision: bigint
  /** A later registration of the address has made it void. */
  void: boolean
}

const NONE: readonly never[] = Object.freeze([])

type ServiceConfig = Snapshot['serviceConfig']

/**
 * Everything the registry holds of one service, and the snapshot that follows from it. Only what changed is decoded; endpoints whose
 * record says the same as before keep their identity, and an equal set is the same snapshot. Pure: no time, no I/O.
 */
export class ServiceCache {
  readonly service: string
  readonly #held = new Map<string, Held>()
  /** The records of an address, the one that counts first. */
  readonly #byAddress = new Map<string, readonly Registered[]>()
  readonly #unreadable = new Map<string, SkippedRecord>()
  readonly #repeated = new Set<string>()
  readonly #tombstones = new Map<string, Tombstone>()
  #config: ServiceConfig
  #configKey: string | undefined
  /** Addresses changed since the last snapshot, with what counted for them in it. */
  readonly #touched = new Map<string, Endpoint | undefined>()
  #skippedChanged = false
  #departed: ReadonlySet<string> | undefined
  #snapshot: Snapshot | undefined

  constructor(service: string) {
    this.service = service
  }

  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  get(key: string): Entry | undefined {
    return this.#held.get(key)?.entry
  }

  keys(): Iterable<string> {
    return this.#held.keys()
  }

  /** The records that count, in order of address. */
  records(): readonly Registered[] {
    const records = [...this.#byAddress.values()].map((candidates) => candidates[0]!)
    return records.sort((a, b) => byAddress(a.endpoint, b.endpoint))
  }

  /** Addresses that were taken out on purpose and not registered again. The same set until that changes. */
  get departed(): ReadonlySet<string> {
    return (this.#departed ??= new Set([...this.#tombstones].filter(([, t]) => !t.void).map(([address]) => address)))
  }

  /** Takes over an entry as it is now. */
  put(parsed: ParsedKey, entry: Entry): Change[] {
    if (parsed.kind === 'gone') {
      this.#held.set(entry.key, { entry })
      const again = this.#counting(parsed.tail)
      const revision = entry.modRevision
      this.#tombstones.set(parsed.tail, { revision, void: again !== undefined && again.modRevision > revision })
      this.#departed = undefined
      return []
    }
    if (parsed.kind === 'config') {
      this.#held.set(entry.key, { entry })
      this.#setConfig(entry)
      return []
    }
    const before = this.#held.get(entry.key)?.record
    const record = keepIdentity(decodeRecord(entry, parsed.tail, roleOf(parsed)), before)
    this.#held.set(entry.key, { entry, record })
    return this.#replace(before, record, entry.modRevision)
  }

  /** Forgets an entry that is gone since `revision`. */
  remove(parsed: ParsedKey, key: string, revision: bigint): Change[] {
    const held = this.#held.get(key)
    if (!held) return []
    this.#held.delete(key)
    if (parsed.kind === 'gone') {
      this.#tombstones.delete(parsed.tail)
      this.#departed = undefined
    } else if (parsed.kind === 'config') {
      this.#setConfig(undefined)
    }
    return held.record ? this.#replace(held.record, undefined, revision) : []
  }

  /** The set as it is now; the snapshot given before if nothing in it changed. */
  snapshot(revision: bigint): Snapshot {
    const last = this.#snapshot
    const endpoints = this.#mergeTouched(last?.endpoints ?? NONE)
    const skipped = this.#skippedChanged ? this.#listSkipped() : (last?.skipped ?? NONE)
    this.#skippedChanged = false
    const config = this.#config
    if (last && endpoints === last.endpoints && skipped === last.skipped && config === last.serviceConfig) return last
    this.#snapshot = Object.freeze({
      service: this.service,
      revision,
      endpoints,
      skipped,
      ...(config === undefined ? undefined : { serviceConfig: config }),
    })
    return this.#snapshot
  }

  #counting(address: string): Registered | undefined {
    return this.#byAddress.get(address)?.[0]
  }

  #replace(before: Held['record'], after: Held['record'], revision: bigint): Change[] {
    const addresses = new Set<string>()
    for (const record of [before, after]) if (record && 'endpoint' in record) addresses.add(record.endpoint.address)
    const counted = [...addresses].map((address) => [address, this.#counting(address)] as const)
    if (before) this.#drop(before)
    if (after) this.#add(after)

    const changes: Change[] = []
    for (const [address, old] of counted) {
      const now = this.#counting(address)
      if (!this.#touched.has(address)) this.#touched.set(address, old?.endpoint)
      if (now && (now.endpoint !== old?.endpoint || now.lease !== old.lease)) {
        changes.push({ type: 'put', service: this.service, revision, record: now })
      } else if (old && !now) {
        changes.push({ type: 'delete', service: this.service, revision, record: old })
      }
    }
    return changes
  }

  #add(record: Registered | SkippedRecord): void {
    if ('reason' in record) {
      this.#unreadable.set(record.key, record)
      this.#skippedChanged = true
      return
    }
    const { address } = record.endpoint
    this.#setCandidates(address, [...(this.#byAddress.get(address) ?? []), record].sort(newestFirst))
    const tombstone = this.#tombstones.get(address)
    if (tombstone && !tombstone.void && record.modRevision > tombstone.revision) {
      tombstone.void = true
      this.#departed = undefined
    }
  }

  #drop(record: Registered | SkippedRecord): void {
    if ('reason' in record) {
      this.#unreadable.delete(record.key)
      this.#skippedChanged = true
      return
    }
    const { address } = record.endpoint
    this.#setCandidates(
      address,
      (this.#byAddress.get(address) ?? []).filter((candidate) => candidate.key !== record.key),
    )
  }

  #setCandidates(address: string, candidates: readonly Registered[]): void {
    if (candidates.length === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, candidates)
    if (candidates.length > 1) this.#repeated.add(address)
    else if (!this.#repeated.delete(address)) return
    this.#skippedChanged = true
  }

  #setConfig(entry: Entry | undefined): void {
    const key = this.#configKey
    if (key !== undefined && this.#unreadable.delete(key)) this.#skippedChanged = true
    this.#configKey = entry?.key
    const config = entry && decodeServiceConfig(entry)
    if (config && 'reason' in config) {
      this.#unreadable.set(config.key, config)
      this.#skippedChanged = true
    }
    this.#config = config && 'config' in config ? config.config : undefined
  }

  #mergeTouched(last: readonly Endpoint[]): readonly Endpoint[] {
    const changed: Endpoint[] = []
    const gone = new Set<string>()
    for (const [address, before] of this.#touched) {
      const now = this.#counting(address)?.endpoint
      if (now === before) continue
      gone.add(address)
      if (now) changed.push(now)
    }
    this.#touched.clear()
    if (gone.size === 0) return last
    changed.sort(byAddress)
    const merged: Endpoint[] = []
    let next = 0
    for (const endpoint of last) {
      if (gone.has(endpoint.address)) continue
      while (next < changed.length && changed[next]!.address < endpoint.address) merged.push(changed[next++]!)
      merged.push(endpoint)
    }
    while (next < changed.length) merged.push(changed[next++]!)
    return Object.freeze(merged)
  }

  #listSkipped(): readonly SkippedRecord[] {
    const skipped = [...this.#unreadable.values()]
    for (const address of this.#repeated) {
      const [newest, ...older] = this.#byAddress.get(address)!
      for (const record of older) skipped.push(repeats(record, newest!))
    }
    return Object.freeze(skipped.sort((a, b) => compareText(a.key, b.key)))
  }
}

function roleOf(parsed: ParsedKey): 'server' | 'balancer' {
  return parsed.kind === 'balancer' ? 'balancer' : 'server'
}

function keepIdentity(record: Registered | SkippedRecord, before: Held['record']): Registered | SkippedRecord {
  if ('reason' in record || !before || 'reason' in before) return record
  return sameEndpoint(record.endpoint, before.endpoint) ? { ...record, endpoint: before.endpoint } : record
}
