import { Backoff } from '../backoff.js'
import { asFairleadError, type FairleadError } from '../errors.js'
import type { Store } from '../registry/store.js'
import { type Clock, type Runtime, sleep } from '../runtime.js'
import type { RegistryView } from './registry-view.js'
import type { Change } from './service-cache.js'

/** The part of a store that discovery reads. */
export type ReadableStore = Pick<Store, 'list' | 'watch'>

export interface ListWatchOptions {
  /** Milliseconds between two linearizable lists that check the watch; each is jittered by a quarter. */
  readonly reconcileIntervalMs: number
}

export interface ListWatchHandlers {
  /** The view took over a list or events. The first call follows the first list. */
  onChanges(changes: readonly Change[]): void
  /** The registry answered. */
  onAlive(): void
  /** An attempt failed, `failures` in a row by now. The next one follows by itself. */
  onFailure(error: FairleadError, failures: number): void
}

/** The longest wait between two attempts to reach the registry, milliseconds: what came in the meantime is to be seen soon. */
const MAX_BACKOFF_MS = 5_000
/** After an interruption the first check comes earlier, within this time in milliseconds. */
const EARLY_CHECK_MS = 5_000
/** No two checks follow each other faster than this, milliseconds. */
const LEAST_CHECK_MS = 500

/**
 * Keeps a view true: lists at revision R, watches from R + 1, resumes from the last revision seen when the watch breaks, lists again
 * when that was compacted, and checks the view by a list now and then, because "an empty watch" and "a deaf watch" look the same.
 */
export class ListWatch {
  readonly #store: ReadableStore
  readonly #view: RegistryView
  readonly #options: ListWatchOptions
  readonly #handlers: ListWatchHandlers
  readonly #runtime: Runtime
  readonly #backoff: Backoff
  #failures = 0
  #interrupted = false

  constructor(
    store: ReadableStore,
    view: RegistryView,
    options: ListWatchOptions,
    handlers: ListWatchHandlers,
    runtime: Runtime,
  ) {
    this.#store = store
    this.#view = view
    this.#options = options
    this.#handlers = handlers
    this.#runtime = runtime
    this.#backoff = new Backoff(runtime.random, { maxMs: MAX_BACKOFF_MS })
  }

  /** Runs until `signal` aborts or the store is closed. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let isListed = false
    while (!signal.aborted) {
      try {
        if (!isListed) await this.#list(signal)
        isListed = true
        isListed = (await this.#follow(signal)) === 'watch'
        if (!isListed) await this.#pause(signal)
      } catch (error) {
        if (signal.aborted) return
        const failure = asFairleadError(error)
        // Anything but a broken stream may need more than the same watch again: a fresh token, a revision that still exists.
        if (failure.code !== 'UNAVAILABLE') isListed = false
        if (failure.code !== 'COMPACTED') this.#failed(failure)
        // The store was closed: there will never be an answer.
        if (failure.code === 'ABORTED') return
        this.#interrupted = true
        await this.#pause(signal)
      }
    }
  }

  /** Watches and checks until one of them ends the other. Tells what to do next, or throws what broke the watch. */
  async #follow(signal: AbortSignal): Promise<'watch' | 'list'> {
    const watch = new AbortController()
    const onAbort = () => watch.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    const check = new Check(this.#runtime.clock)
    const checking = this.#checkNowAndThen(check, watch)
    try {
      for await (const batch of this.#store.watch(this.#view.prefixes, this.#view.from, watch.signal)) {
        const sight = this.#view.observe(batch)
        if (sight === 'foreign') return 'list'
        if (sight === 'behind') check.hurry()
        else this.#alive()
        const changes = this.#view.applyBatch(batch)
        if (batch.events.length > 0) this.#handlers.onChanges(changes)
      }
    } catch (error) {
      if (!watch.signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      check.stop()
      if (!watch.signal.aborted) watch.abort()
      await checking
    }
    return 'watch'
  }

  /** Ends when `check` is stopped; ends the watch when it finds that the registry was replaced or went back. Never rejects. */
  async #checkNowAndThen(check: Check, watch: AbortController): Promise<void> {
    let wait = this.#untilNextCheck()
    for (;;) {
      await check.due(wait)
      if (check.isStopped) return
      try {
        const isReset = await this.#list(watch.signal)
        if (isReset) return watch.abort()
        wait = this.#untilNextCheck()
      } catch (error) {
        if (watch.signal.aborted) return
        this.#failed(asFairleadError(error))
        wait = this.#backoff.next()
      }
    }
  }

  #untilNextCheck(): number {
    const { reconcileIntervalMs } = this.#options
    const chance = this.#runtime.random.next()
    if (!this.#interrupted) return reconcileIntervalMs * (0.75 + chance / 2)
    this.#interrupted = false
    return Math.min(reconcileIntervalMs, EARLY_CHECK_MS) * chance
  }

  async #list(signal: AbortSignal): Promise<boolean> {
    const mark = this.#view.beginListing()
    const listings = await Promise.all(this.#view.prefixes.map((prefix) => this.#store.list(prefix, { signal })))
    if (signal.aborted) throw signal.reason
    const { changes, reset } = this.#view.applyListings(mark, listings)
    if (reset) this.#runtime.log.warn('the registry was replaced or went back; took over what it holds now')
    this.#handlers.onChanges(changes)
    this.#alive()
    return reset
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await sleep(this.#runtime.clock, this.#backoff.next(), signal).catch(() => undefined)
  }

  #alive(): void {
    this.#failures = 0
    this.#backoff.reset()
    this.#handlers.onAlive()
  }

  #failed(error: FairleadError): void {
    this.#failures++
    this.#runtime.log.debug('the registry is away', {
      code: error.code,
      error: error.message,
      failures: this.#failures,
    })
    this.#handlers.onFailure(error, this.#failures)
  }
}

/** The wait for the next check, which a suspicion can cut short. */
class Check {
  readonly #clock: Clock
  #earliest = -Infinity
  #isHurried = false
  #wake: (() => void) | undefined
  isStopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  hurry(): void {
    this.#isHurried = true
    this.#wake?.()
  }

  stop(): void {
    this.isStopped = true
    this.#wake?.()
  }

  /** Waits `ms` milliseconds, or less if hurried or stopped; never lets two checks follow each other at once. */
  async due(ms: number): Promise<void> {
    const due = this.#clock.now() + ms
    for (;;) {
      const now = this.#clock.now()
      const wait = Math.max(this.#earliest, this.#isHurried ? now : due) - now
      if (this.isStopped || wait <= 0) break
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(wait, resolve)
        this.#wake = () => {
          cancel()
          resolve()
        }
      })
      this.#wake = undefined
    }
    this.#isHurried = false
    this.#earliest = this.#clock.now() + LEAST_CHECK_MS
  }
}
