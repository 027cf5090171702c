import type { ErrorCode, FairleadError } from '../errors.js'
import { parseServiceName } from '../model/service.js'
import { KeyLayout } from '../registry/keys.js'
import type { Runtime } from '../runtime.js'
import { EventPublisher } from './event-publisher.js'
import { LatestResolution } from './latest.js'
import { ListWatch, type ListWatchOptions, type ReadableStore } from './list-watch.js'
import type { RegistryEvent } from './registry-event.js'
import { RegistryView } from './registry-view.js'
import type { Resolution, Resolver } from './resolution.js'
import type { Change } from './service-cache.js'
import { SnapshotPublisher } from './snapshot-publisher.js'

export interface ResolverOptions {
  /** Where the registry's keys lie. Default `/ns`. */
  readonly prefix?: string
  /** Milliseconds between two lists that check the watch, jittered. Default 30,000. */
  readonly reconcileIntervalMs?: number
}

export interface RegistryResolver extends Resolver {
  /**
   * Yields every change of a service, or of all services, in order: first a snapshot, then what comes, changes and goes. Like
   * `resolve` it goes on through any outage, returns only when `signal` aborts and throws INVALID_ARGUMENT only. A reader that falls
   * thousands of events behind gets a new snapshot in their place.
   */
  events(service: string | undefined, signal: AbortSignal): AsyncIterable<RegistryEvent>
}

/**
 * Resolves services from a registry. Readers of the same service share one watch, which lives as long as the last of them.
 * Throws INVALID_ARGUMENT for a bad prefix. Does not close the store.
 */
export function createResolver(store: ReadableStore, options: ResolverOptions, runtime: Runtime): RegistryResolver {
  const layout = new KeyLayout(options.prefix)
  const listWatch: ListWatchOptions = { reconcileIntervalMs: options.reconcileIntervalMs ?? 30_000 }
  const feeds = new Map<string | undefined, Feed>()

  function use(service: string | undefined): Feed {
    let feed = feeds.get(service)
    if (!feed)
      feeds.set(service, (feed = new Feed(store, new RegistryView(layout, service), listWatch, runtime, service)))
    feed.users++
    return feed
  }

  function release(service: string | undefined, feed: Feed): void {
    if (--feed.users > 0) return
    feeds.delete(service)
    feed.close()
  }

  return {
    async *resolve(name, signal) {
      const service = parseServiceName(name)
      if (signal.aborted) return
      const feed = use(service)
      const reader = new LatestResolution()
      feed.snapshots!.add(reader)
      try {
        yield* reader.read(signal)
      } finally {
        feed.snapshots!.remove(reader)
        release(service, feed)
      }
    },

    async *events(name, signal) {
      const service = name === undefined ? undefined : parseServiceName(name)
      if (signal.aborted) return
      const feed = use(service)
      const queue = feed.events.add()
      try {
        yield* queue.read(signal)
      } finally {
        feed.events.remove(queue)
        release(service, feed)
      }
    },
  }
}

/** One view with the loop that keeps it true and those who read it. */
class Feed {
  users = 0
  /** Only for a single service. */
  readonly snapshots: SnapshotPublisher | undefined
  readonly events: EventPublisher
  readonly #runtime: Runtime
  readonly #abort = new AbortController()
  #isReady = false
  #stale: ErrorCode | undefined
  #aliveAt: number

  constructor(store: ReadableStore, view: RegistryView, options: ListWatchOptions, runtime: Runtime, service?: string) {
    this.#runtime = runtime
    this.#aliveAt = runtime.clock.now()
    const cache = service === undefined ? undefined : view.services.get(service)
    this.snapshots = cache && new SnapshotPublisher(cache, () => view.revision, runtime)
    this.events = new EventPublisher(view, runtime.clock)
    const handlers = {
      onChanges: (changes: readonly Change[]) => this.#onChanges(changes),
      onAlive: () => this.#onAlive(),
      onFailure: (error: FairleadError, failures: number) => this.#onFailure(error, failures),
    }
    void new ListWatch(store, view, options, handlers, runtime).run(this.#abort.signal)
  }

  close(): void {
    this.#abort.abort()
    this.snapshots?.close()
    this.events.close()
  }

  #onChanges(changes: readonly Change[]): void {
    this.#isReady = true
    this.snapshots?.touch()
    this.events.changed(changes)
  }

  #onAlive(): void {
    this.#aliveAt = this.#runtime.clock.now()
    if (!this.#stale) return
    this.#stale = undefined
    this.snapshots?.live()
    this.events.live()
  }

  /** A broken stream that is mended at the first attempt is nothing to tell; the second failure in a row is. */
  #onFailure(error: FairleadError, failures: number): void {
    if (this.#stale === error.code || (this.#isReady && failures < 2)) return
    this.#stale = error.code
    const since = this.#aliveAt
    const stale: Extract<Resolution, { kind: 'stale' }> = { kind: 'stale', since, error }
    this.snapshots?.stale(stale)
    this.events.stale(since, error)
  }
}
