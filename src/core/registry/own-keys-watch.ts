import { Backoff } from '../backoff.js'
import { asFairleadError } from '../errors.js'
import { type Runtime, sleep } from '../runtime.js'
import type { Store } from './store.js'

/** Up to so many keys are watched one by one; beyond, the directories they are in. */
const MAX_SINGLE_KEYS = 8
/** Keys added within this time share one restart of the watch, milliseconds. */
const SETTLE_MS = 20

/**
 * Tells when a change touches one of a set of keys. `revision` is that of the change; it is undefined when changes may have
 * been missed and the key must be read again.
 */
export type OnTouched = (revision: bigint | undefined) => void

/** One watch over all the keys a process has registered. Restarts by itself; misses nothing without saying so. */
export class OwnKeysWatch {
  readonly #store: Store
  readonly #runtime: Runtime
  readonly #backoff: Backoff
  readonly #keys = new Map<string, OnTouched>()
  /** Added since the watch was last looked at. */
  readonly #added = new Set<string>()
  #watched: readonly string[] = []
  #standing = false
  #abort: AbortController | undefined
  #cancelRefresh: (() => void) | undefined

  constructor(store: Store, runtime: Runtime) {
    this.#store = store
    this.#runtime = runtime
    this.#backoff = new Backoff(runtime.random, { initialMs: 100, maxMs: 1000 })
  }

  /** Begins to watch a key. `onTouched(undefined)` follows as soon as the watch covers it. The returned function ends it. */
  add(key: string, onTouched: OnTouched): () => void {
    this.#keys.set(key, onTouched)
    this.#added.add(key)
    this.#refreshSoon()
    return () => {
      if (this.#keys.get(key) !== onTouched) return
      this.#keys.delete(key)
      this.#added.delete(key)
      this.#refreshSoon()
    }
  }

  close(): void {
    this.#keys.clear()
    this.#cancelRefresh?.()
    this.#abort?.abort()
  }

  #refreshSoon(): void {
    this.#cancelRefresh ??= this.#runtime.clock.after(SETTLE_MS, () => {
      this.#cancelRefresh = undefined
      this.#refresh()
    })
  }

  #refresh(): void {
    const prefixes = this.#prefixes()
    const added = [...this.#added]
    this.#added.clear()
    if (this.#standing && prefixes.join('\n') === this.#watched.join('\n')) return this.#touch(added)
    this.#watched = prefixes
    this.#standing = false
    this.#abort?.abort()
    this.#abort = undefined
    if (prefixes.length === 0) return
    this.#abort = new AbortController()
    void this.#run(prefixes, this.#abort.signal)
  }

  #prefixes(): readonly string[] {
    const keys = [...this.#keys.keys()]
    if (keys.length <= MAX_SINGLE_KEYS) return keys.sort()
    return [...new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)))].sort()
  }

  async #run(prefixes: readonly string[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#watchOnce(prefixes, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#runtime.log.debug('the watch of the own records broke', { error: asFairleadError(error).message })
      }
      await sleep(this.#runtime.clock, this.#backoff.next(), signal).catch(() => undefined)
    }
  }

  async #watchOnce(prefixes: readonly string[], signal: AbortSignal): Promise<void> {
    const start = await this.#store.get(prefixes[0]!, { signal })
    this.#standing = false
    for await (const batch of this.#store.watch(prefixes, start.revision + 1n, signal)) {
      // A registry that was replaced or restored may be behind, and would keep silent until it has caught up.
      if (batch.revision < start.revision || batch.clusterId !== start.clusterId) return
      if (!this.#standing) {
        this.#standing = true
        this.#backoff.reset()
        this.#touch(this.#keys.keys())
      }
      for (const event of batch.events) {
        const put = event.type === 'put'
        this.#keys.get(put ? event.entry.key : event.key)?.(put ? event.entry.modRevision : event.modRevision)
      }
    }
  }

  #touch(keys: Iterable<string>): void {
    for (const key of [...keys]) this.#keys.get(key)?.(undefined)
  }
}
