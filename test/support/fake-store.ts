import { FairleadError } from '../../src/core/errors.js'
import type { Entry, Listing, Store, StoreEvent, WatchBatch } from '../../src/core/registry/store.js'
import { settle } from './manual-clock.js'

interface Watcher {
  /** One queue for each prefix: order holds within a prefix only, as with the real thing. */
  readonly queues: { readonly prefix: string; readonly events: StoreEvent[] }[]
  empty: number
  error: FairleadError | undefined
  isDeaf: boolean
  wake: () => void
}

export type Write = readonly [key: string, value: string | null, lease?: bigint]

/**
 * A registry in memory that misbehaves on command: it can be away, cut its watches, compact, lose events, be wiped, restored or replaced. Only what
 * discovery reads is here.
 */
export class FakeStore implements Pick<Store, 'list' | 'watch'> {
  clusterId = 'one'
  revision = 1n
  isAway = false
  lists = 0
  watches = 0
  /** Called when a list was read and before it is returned. */
  beforeListReturns: () => Promise<void> = () => Promise.resolve()
  /** Called before a watch delivers what is ready. */
  beforeDelivery: () => Promise<void> = () => Promise.resolve()
  /** Which of several prefixes with events is delivered next. */
  choose: (count: number) => number = () => 0
  #entries = new Map<string, Entry>()
  #history: StoreEvent[] = []
  #compacted = 0n
  readonly #watchers = new Set<Watcher>()

  /** Applies all writes (null deletes) in one revision. */
  write(...writes: readonly Write[]): void {
    const revision = this.revision + 1n
    const events: StoreEvent[] = []
    for (const [key, value, lease = 7n] of writes) {
      const old = this.#entries.get(key)
      if (value === null) {
        if (!old) continue
        this.#entries.delete(key)
        events.push({ type: 'delete', key, modRevision: revision })
      } else {
        const createRevision = old?.createRevision ?? revision
        const version = (old?.version ?? 0n) + 1n
        const entry = { key, value: Buffer.from(value), createRevision, modRevision: revision, version, lease }
        this.#entries.set(key, entry)
        events.push({ type: 'put', entry })
      }
    }
    if (events.length === 0) return
    this.revision = revision
    this.#history.push(...events)
    for (const watcher of this.#watchers) if (!watcher.isDeaf) deliver(watcher, events)
  }

  get entries(): readonly Entry[] {
    return [...this.#entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  get openWatches(): number {
    return this.#watchers.size
  }

  compact(): void {
    this.#compacted = this.revision
    this.#history = []
  }

  /** Breaks every watch. */
  cut(error = new FairleadError('UNAVAILABLE', 'the stream broke')): void {
    for (const watcher of this.#watchers) {
      watcher.error = error
      watcher.wake()
    }
  }

  /** The watches that stand now get nothing any more, without a sign. */
  deafen(): void {
    for (const watcher of this.#watchers) watcher.isDeaf = true
  }

  /** Tells every watch that it is up to date. */
  progress(): void {
    for (const watcher of this.#watchers) {
      if (!watcher.isDeaf) watcher.empty++
      watcher.wake()
    }
  }

  /** Forgets everything, as an etcd does whose data directory was removed: watches break, revisions start again. */
  wipe(clusterId = this.clusterId): void {
    this.#entries = new Map()
    this.#history = []
    this.#compacted = 0n
    this.revision = 1n
    this.clusterId = clusterId
    this.cut()
  }

  backup(): () => void {
    const [entries, history, revision] = [new Map(this.#entries), [...this.#history], this.revision]
    return () => {
      this.#entries = new Map(entries)
      this.#history = [...history]
      this.revision = revision
      this.cut()
    }
  }

  async list(prefix: string): Promise<Listing> {
    this.lists++
    await settle()
    if (this.isAway) throw new FairleadError('UNAVAILABLE', 'nobody answers')
    const entries = this.entries.filter(({ key }) => key.startsWith(prefix))
    const { revision, clusterId } = this
    await this.beforeListReturns()
    return { revision, clusterId, entries }
  }

  async *watch(prefixes: readonly string[], from: bigint, signal: AbortSignal): AsyncIterable<WatchBatch> {
    this.watches++
    await settle()
    if (this.isAway) throw new FairleadError('UNAVAILABLE', 'nobody answers')
    if (from < this.#compacted) throw new FairleadError('COMPACTED', 'the revision was compacted')
    const watcher: Watcher = {
      queues: prefixes.map((prefix) => ({ prefix, events: [] })),
      empty: 0,
      error: undefined,
      isDeaf: false,
      wake: () => undefined,
    }
    deliver(
      watcher,
      this.#history.filter((event) => revisionOf(event) >= from),
    )
    this.#watchers.add(watcher)
    const onAbort = () => watcher.wake()
    signal.addEventListener('abort', onAbort)
    try {
      yield this.#batch([], from)
      while (!signal.aborted) {
        await this.beforeDelivery()
        if (watcher.error) throw watcher.error
        const ready = watcher.queues.filter(({ events }) => events.length > 0)
        if (ready.length > 0) {
          const events = takeRevision(ready[this.choose(ready.length)]!.events)
          yield this.#batch(events, this.#nextOf(watcher))
        } else if (watcher.empty > 0) yield (watcher.empty--, this.#batch([], this.#nextOf(watcher)))
        else await new Promise<void>((resolve) => (watcher.wake = resolve))
      }
    } finally {
      this.#watchers.delete(watcher)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Below what revision everything was delivered. */
  #nextOf(watcher: Watcher): bigint {
    const waiting = watcher.queues.flatMap(({ events }) => (events[0] ? [revisionOf(events[0])] : []))
    return waiting.reduce((least, revision) => (revision < least ? revision : least), this.revision + 1n)
  }

  #batch(events: readonly StoreEvent[], next: bigint): WatchBatch {
    return { revision: this.revision, clusterId: this.clusterId, events, next }
  }
}

function deliver(watcher: Watcher, events: readonly StoreEvent[]): void {
  for (const event of events) {
    const key = event.type === 'put' ? event.entry.key : event.key
    for (const queue of watcher.queues) if (key.startsWith(queue.prefix)) queue.events.push(event)
  }
  watcher.wake()
}

function takeRevision(events: StoreEvent[]): StoreEvent[] {
  const first = revisionOf(events[0]!)
  const end = events.findIndex((event) => revisionOf(event) !== first)
  return events.splice(0, end < 0 ? events.length : end)
}

function revisionOf(event: StoreEvent): bigint {
  return event.type === 'put' ? event.entry.modRevision : event.modRevision
}
