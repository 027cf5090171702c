import type { Snapshot } from '../model/snapshot.js'
import type { Runtime } from '../runtime.js'
import type { LatestResolution } from './latest.js'
import type { Resolution } from './resolution.js'
import type { ServiceCache } from './service-cache.js'

/** What the first of several changes waits for the others, milliseconds: those of one transaction come in several batches. */
const GATHER_MS = 1
/** The least time between two snapshots, milliseconds. A burst makes one snapshot in this time. */
const SPACING_MS = 10

type Stale = Extract<Resolution, { kind: 'stale' }>

/** Hands the complete set of a service to its readers whenever it changed. */
export class SnapshotPublisher {
  readonly #cache: ServiceCache
  readonly #revision: () => bigint
  readonly #runtime: Runtime
  readonly #readers = new Set<LatestResolution>()
  #last: { readonly snapshot: Snapshot; readonly departed: ReadonlySet<string> } | undefined
  #lastAt = -Infinity
  #cancel: (() => void) | undefined
  #stale: Stale | undefined

  /** @param revision the revision the cache is true at. */
  constructor(cache: ServiceCache, revision: () => bigint, runtime: Runtime) {
    this.#cache = cache
    this.#revision = revision
    this.#runtime = runtime
  }

  /** Adds a reader and tells it what was published last. */
  add(reader: LatestResolution): void {
    this.#readers.add(reader)
    if (this.#last) reader.offer({ kind: 'snapshot', ...this.#last })
    if (this.#stale) reader.offer(this.#stale)
  }

  remove(reader: LatestResolution): void {
    this.#readers.delete(reader)
  }

  /** The cache may have changed: publishes soon, at once where nothing was published before. */
  touch(): void {
    if (!this.#last) return this.#publish(false)
    if (this.#cancel) return
    const { clock } = this.#runtime
    const wait = Math.max(GATHER_MS, this.#lastAt + SPACING_MS - clock.now())
    this.#cancel = clock.after(wait, () => this.#publish(false))
  }

  stale(stale: Stale): void {
    this.#stale = stale
    for (const reader of this.#readers) reader.offer(stale)
  }

  /** Ends a stale time, by publishing the set even if it did not change. */
  live(): void {
    if (!this.#stale) return
    this.#stale = undefined
    this.#publish(true)
  }

  close(): void {
    this.#cancel?.()
  }

  #publish(isForced: boolean): void {
    this.#cancel?.()
    this.#cancel = undefined
    const last = this.#last
    const revision = this.#revision()
    const snapshot = this.#cache.snapshot(revision)
    const { departed } = this.#cache
    const isNews = snapshot !== last?.snapshot || hasNewDeparture(departed, last.departed)
    if (!isNews && !isForced) return
    this.#last = { snapshot, departed }
    this.#lastAt = this.#runtime.clock.now()
    for (const reader of this.#readers) reader.offer({ kind: 'snapshot', snapshot, departed })
  }
}

/** A tombstone can come after the deletion it explains: then the same set is told again with it. */
function hasNewDeparture(now: ReadonlySet<string>, before: ReadonlySet<string>): boolean {
  if (now === before) return false
  for (const address of now) if (!before.has(address)) return true
  return false
}
