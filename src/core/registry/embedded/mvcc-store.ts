import { ChangeLog } from './change-log.js'
import { type KeyName, type KeyRange, keyName, keyRange } from './key-range.js'
import type { KeyValue } from './messages.js'
import { OrderedMap } from './ordered-map.js'
import { refusal } from './status.js'

export interface StoreLimits {
  /** How many past revisions stay readable before the oldest are compacted. */
  readonly historyRevisions: number
  /** The same as memory, in bytes. */
  readonly historyBytes: number
}

/** Who is told about keys that come under a lease or leave it. */
export interface LeaseBinding {
  attach(lease: string, name: KeyName): void
  detach(lease: string, name: KeyName): void
}

export interface ReadOptions {
  /** 0 or less: the current one. */
  readonly revision?: number
  /** 0 or less: no limit. `count` is of all matches regardless. */
  readonly limit?: number
  readonly countOnly?: boolean
}

export interface ReadResult {
  readonly kvs: KeyValue[]
  readonly count: number
}

export type CommitListener = (revision: number, changes: readonly KeyValue[]) => void

const NOTHING = Buffer.alloc(0)

/** How far the history may grow past its limits before it is cut, so that cutting is rare. */
const SLACK = 1.1

/**
 * Keys with their history, in etcd's terms: every write transaction that changes something makes one revision, which all
 * its changes share. Revisions below the compacted one cannot be read or watched any more. Nothing here waits: a call is
 * a whole transaction, and listeners hear of it before the next.
 */
export class MvccStore {
  /** "The store revision begins at 1"; the first write makes revision 2. */
  #revision = 1
  #compacted = -1
  #liveBytes = 0
  readonly #keys = new OrderedMap<KeyValue[]>()
  readonly #log = new ChangeLog(2)
  readonly #listeners: CommitListener[] = []

  constructor(
    private readonly limits: StoreLimits,
    private readonly leases: LeaseBinding,
  ) {}

  get revision(): number {
    return this.#revision
  }

  /** The lowest revision that can be read; −1 before the first compaction. */
  get compactedRevision(): number {
    return this.#compacted
  }

  /** Bytes of the keys and values that exist now. */
  get liveBytes(): number {
    return this.#liveBytes
  }

  /** Bytes of everything kept, past states included, roughly. */
  get totalBytes(): number {
    return this.#liveBytes + this.#log.bytes
  }

  /** `listener` is called synchronously after each commit, until the store is dropped. */
  onCommit(listener: CommitListener): void {
    this.#listeners.push(listener)
  }

  read(range: KeyRange, options: ReadOptions = {}): ReadResult {
    return this.#read(range, this.#revision, options)
  }

  /** Throws where `revision` (0 or less: the current one) cannot be read. */
  checkReadable(revision: number, current = this.#revision): void {
    if (revision <= 0) return
    if (revision > current) throw refusal('futureRevision')
    if (revision < this.#compacted) throw refusal('compacted')
  }

  /** The state of one key at `revision`, undefined if it did not exist or that revision is compacted. */
  stateAt(key: Buffer, revision: number): KeyValue | undefined {
    if (revision < this.#compacted) return undefined
    const state = stateOf(this.#keys.get(keyName(key)), revision)
    return state?.version ? state : undefined
  }

  /** The changes made at `revision`, in order. Complete from the compacted revision on. */
  changesAt(revision: number): readonly KeyValue[] {
    return this.#log.at(revision)
  }

  /** Runs `body` as one transaction. It must not throw after its first write. */
  write<T>(body: (transaction: WriteTransaction) => T): T {
    const revision = this.#revision + 1
    const changes: KeyValue[] = []
    const current = () => (changes.length > 0 ? revision : revision - 1)
    const result = body({
      get revision() {
        return current()
      },
      read: (range, options) => this.#read(range, current(), options ?? {}),
      put: (key, value, lease) => {
        changes.push(this.#put(key, value, lease, revision))
      },
      deleteRange: (range) => {
        const { kvs } = this.#read(range, current(), {})
        for (const kv of kvs) changes.push(this.#delete(kv, revision))
        return kvs
      },
    })
    if (changes.length > 0) this.#commit(changes)
    return result
  }

  /** Gives up the history below `revision`. */
  compact(revision: number): void {
    if (revision <= this.#compacted) throw refusal('compacted')
    if (revision > this.#revision) throw refusal('futureRevision')
    for (let at = this.#log.oldest; at <= revision; at++) {
      for (const change of this.#log.at(at)) this.#forget(keyName(change.key), revision)
    }
    this.#log.dropBefore(revision)
    this.#compacted = revision
  }

  #read(range: KeyRange, current: number, options: ReadOptions): ReadResult {
    const asked = options.revision ?? 0
    this.checkReadable(asked, current)
    const at = asked > 0 ? asked : current
    const limit = options.limit !== undefined && options.limit > 0 ? options.limit : Infinity
    const kvs: KeyValue[] = []
    let count = 0
    const visit = (versions: readonly KeyValue[] | undefined) => {
      const state = stateOf(versions, at)
      if (!state?.version) return
      if (count++ < limit && options.countOnly !== true) kvs.push(state)
    }
    if (range.single) visit(this.#keys.get(range.start))
    else for (const versions of this.#keys.range(range.start, range.end)) visit(versions)
    return { kvs, count }
  }

  #put(key: Buffer, value: Buffer, lease: string, revision: number): KeyValue {
    const name = keyName(key)
    const versions = this.#keys.get(name)
    const last = versions?.at(-1)
    const previous = last?.version ? last : undefined
    const kv: KeyValue = {
      // Copies: what arrived is a view of a whole network buffer.
      key: last?.key ?? Buffer.from(key),
      value: Buffer.from(value),
      create_revision: previous?.create_revision ?? revision,
      mod_revision: revision,
      version: (previous?.version ?? 0) + 1,
      lease,
    }
    if (versions) versions.push(kv)
    else this.#keys.set(name, [kv])
    this.#liveBytes += value.length + (previous ? -previous.value.length : key.length)
    if (previous && previous.lease !== '0') this.leases.detach(previous.lease, name)
    if (lease !== '0') this.leases.attach(lease, name)
    return kv
  }

  #delete(previous: KeyValue, revision: number): KeyValue {
    const { key } = previous
    const name = keyName(key)
    const tombstone = { key, value: NOTHING, create_revision: 0, mod_revision: revision, version: 0, lease: '0' }
    this.#keys.get(name)!.push(tombstone)
    this.#liveBytes -= key.length + previous.value.length
    if (previous.lease !== '0') this.leases.detach(previous.lease, name)
    return tombstone
  }

  #commit(changes: readonly KeyValue[]): void {
    this.#revision++
    this.#log.append(changes)
    const { historyRevisions, historyBytes } = this.limits
    if (this.#log.length > historyRevisions * SLACK || this.#log.bytes > historyBytes * SLACK) {
      const cut = this.#log.cutFor(historyRevisions, historyBytes)
      if (cut > this.#compacted && cut <= this.#revision) this.compact(cut)
    }
    for (const listener of this.#listeners) listener(this.#revision, changes)
  }

  /** Drops the states of a key that nobody can read once `revision` is the lowest readable one. */
  #forget(name: KeyName, revision: number): void {
    const versions = this.#keys.get(name)
    if (!versions) return
    let keep = lastAtOrBefore(versions, revision)
    if (keep >= 0 && versions[keep]!.version === 0) keep++
    if (keep >= versions.length) this.#keys.delete(name)
    else if (keep > 0) versions.splice(0, keep)
  }
}

export interface WriteTransaction {
  /** The revision reads happen at: the one being made as soon as something was written. */
  readonly revision: number
  read(range: KeyRange, options?: ReadOptions): ReadResult
  /** `lease` must exist or be '0'. */
  put(key: Buffer, value: Buffer, lease: string): void
  /** What was deleted, in key order. */
  deleteRange(range: KeyRange): readonly KeyValue[]
}

/** The range of one key. */
export const singleKey = (key: Buffer): KeyRange => keyRange(key, NOTHING)

function stateOf(versions: readonly KeyValue[] | undefined, revision: number): KeyValue | undefined {
  const last = versions?.at(-1)
  if (!versions || !last || last.mod_revision <= revision) return last
  return versions[lastAtOrBefore(versions, revision)]
}

/** The index of the last state not newer than `revision`, −1 if all are. */
function lastAtOrBefore(versions: readonly KeyValue[], revision: number): number {
  let low = 0
  let high = versions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (versions[middle]!.mod_revision <= revision) low = middle + 1
    else high = middle
  }
  return low - 1
}
