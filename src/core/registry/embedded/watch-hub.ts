import type { Clock } from '../../runtime.js'
import { keyName } from './key-range.js'
import type { Header, KeyValue } from './messages.js'
import type { MvccStore } from './mvcc-store.js'
import type { Watcher } from './watcher.js'
import { WatcherIndex } from './watcher.js'

/** A stream that wants to hear of its watchers. */
export interface WatchSubscriber {
  /** Called once per turn of the event loop in which commits concerned watchers of this stream. */
  flush(): void
}

/** etcd's progress report interval, 10 minutes, in milliseconds. */
const PROGRESS_INTERVAL_MS = 600_000

/**
 * Hands commits to the watchers they concern, and wakes their streams afterwards, so that a burst of commits goes out in
 * few messages.
 */
export class WatchHub {
  readonly #index = new WatcherIndex()
  readonly #owners = new Map<Watcher, WatchSubscriber>()
  readonly #dirty = new Set<WatchSubscriber>()

  /**
   * @param header the header of a message about `revision`
   * @param defer runs a callback later in the same turn of the event loop, or at the start of the next
   */
  constructor(
    readonly store: MvccStore,
    readonly header: (revision: number) => Header,
    private readonly clock: Clock,
    private readonly defer: (callback: () => void) => void,
  ) {
    store.onCommit((_revision, changes) => this.#deliver(changes))
  }

  add(watcher: Watcher, owner: WatchSubscriber): void {
    this.#owners.set(watcher, owner)
    this.#index.add(watcher)
    if (!watcher.idle) this.wake(owner)
  }

  delete(watcher: Watcher): void {
    this.#owners.delete(watcher)
    this.#index.delete(watcher)
  }

  /** Has `owner` flushed soon. */
  wake(owner: WatchSubscriber): void {
    if (this.#dirty.size === 0) this.defer(this.#flush)
    this.#dirty.add(owner)
  }

  /** Calls back at each progress interval until the returned function is called. */
  everyProgressInterval(callback: () => void): () => void {
    let cancel = () => {}
    const schedule = () => {
      cancel = this.clock.after(PROGRESS_INTERVAL_MS, tick, { keepAlive: false })
    }
    const tick = () => {
      schedule()
      callback()
    }
    schedule()
    return () => cancel()
  }

  #deliver(changes: readonly KeyValue[]): void {
    for (const change of changes) {
      for (const watcher of this.#index.matching(keyName(change.key))) {
        if (watcher.offer(change)) this.wake(this.#owners.get(watcher)!)
      }
    }
  }

  readonly #flush = (): void => {
    const owners = [...this.#dirty]
    this.#dirty.clear()
    for (const owner of owners) owner.flush()
  }
}
