import { contains, type KeyName, type KeyRange, keyName } from './key-range.js'
import { EventType, FilterType, type KeyValue, type WatchCreateRequest, type WatchEvent } from './messages.js'
import type { MvccStore } from './mvcc-store.js'

/** etcd's watchBatchMaxRevs: how many revisions one message of a watcher that catches up may carry. */
const BATCH_REVISIONS = 1000

/** How many changes wait for a stream that does not take them before they are dropped and read again from the store. */
const PENDING_LIMIT = 4096

export interface Batch {
  readonly changes: readonly KeyValue[]
  /** Whether the watcher has now seen everything up to the store's current revision. */
  readonly complete: boolean
}

/**
 * One watch. It is *synced* while commits are handed to it as they happen, and catches up by reading the store's log
 * from `next` while not. A reader that is too slow costs no memory: it falls back to catching up.
 */
export class Watcher {
  readonly range: KeyRange
  readonly prevKv: boolean
  readonly fragment: boolean
  readonly progressNotify: boolean
  /** Set by the stream: something was sent since the last progress notice. */
  active = false
  #synced: boolean
  /** The lowest revision not handed out yet. */
  #next: number
  #pending: KeyValue[] = []
  readonly #puts: boolean
  readonly #deletes: boolean

  constructor(
    readonly id: string,
    range: KeyRange,
    request: WatchCreateRequest,
    private readonly store: MvccStore,
  ) {
    this.range = range
    this.prevKv = request.prev_kv
    this.fragment = request.fragment
    this.progressNotify = request.progress_notify
    this.#puts = !request.filters.includes(FilterType.NOPUT)
    this.#deletes = !request.filters.includes(FilterType.NODELETE)
    const start = Number(request.start_revision)
    this.#next = start === 0 ? store.revision + 1 : start
    this.#synced = this.#next > store.revision
  }

  /** Everything up to the current revision was taken from here. */
  get idle(): boolean {
    return this.#synced && this.#pending.length === 0
  }

  /** What was asked for next is no longer kept. */
  get compacted(): boolean {
    return !this.#synced && this.#next < this.store.compactedRevision
  }

  /** A change of a key in range was committed. Returns whether there is now something to take. */
  offer(change: KeyValue): boolean {
    if (!this.#synced || change.mod_revision < this.#next || !this.#wants(change)) return false
    this.#pending.push(change)
    if (this.#pending.length > PENDING_LIMIT) {
      this.#next = this.#pending[0]!.mod_revision
      this.#pending = []
      this.#synced = false
    }
    return true
  }

  /** The next changes in order, whole revisions only. */
  take(): Batch {
    return this.#synced ? this.#takePending() : this.#catchUp()
  }

  /** The event a change is reported as. */
  eventOf(change: KeyValue): WatchEvent {
    const { key, mod_revision, create_revision, version } = change
    const created = version > 0 && create_revision === mod_revision
    const prev = this.prevKv && !created ? this.store.stateAt(key, mod_revision - 1) : undefined
    const event =
      version > 0 ? { type: EventType.PUT, kv: change } : { type: EventType.DELETE, kv: { key, mod_revision } }
    return prev ? { ...event, prev_kv: prev } : event
  }

  #takePending(): Batch {
    const changes = this.#pending
    if (changes.length > 0) {
      this.#next = this.store.revision + 1
      this.#pending = []
    }
    return { changes, complete: true }
  }

  #catchUp(): Batch {
    const changes: KeyValue[] = []
    const current = this.store.revision
    for (let revisions = 0; this.#next <= current; this.#next++) {
      const before = changes.length
      for (const change of this.store.changesAt(this.#next)) {
        if (contains(this.range, keyName(change.key)) && this.#wants(change)) changes.push(change)
      }
      if (changes.length > before && ++revisions === BATCH_REVISIONS) {
        this.#next++
        break
      }
    }
    this.#synced = this.#next > current
    return { changes, complete: this.#synced }
  }

  #wants(change: KeyValue): boolean {
    return change.version > 0 ? this.#puts : this.#deletes
  }
}

/** The watchers a commit may concern: those of one key found by name, those of ranges by trying. */
export class WatcherIndex {
  readonly #singles = new Map<KeyName, Set<Watcher>>()
  readonly #ranges = new Set<Watcher>()

  add(watcher: Watcher): void {
    if (!watcher.range.single) {
      this.#ranges.add(watcher)
      return
    }
    const name = watcher.range.start
    const watchers = this.#singles.get(name)
    if (watchers) watchers.add(watcher)
    else this.#singles.set(name, new Set([watcher]))
  }

  delete(watcher: Watcher): void {
    this.#ranges.delete(watcher)
    const watchers = this.#singles.get(watcher.range.start)
    if (watchers?.delete(watcher) && watchers.size === 0) this.#singles.delete(watcher.range.start)
  }

  *matching(name: KeyName): Generator<Watcher, void, void> {
    yield* this.#singles.get(name) ?? []
    for (const watcher of this.#ranges) {
      if (contains(watcher.range, name)) yield watcher
    }
  }
}
