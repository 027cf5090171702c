import { Backoff } from '../backoff.js'
import { asFairleadError } from '../errors.js'
import { type Runtime, sleep } from '../runtime.js'

/**
 * Records whose registrations ended while the registry was away. A lease that they share with others would keep them there, so their
 * removal is tried again until it is done.
 */
export class Leftovers {
  readonly #runtime: Runtime
  readonly #pending = new Map<string, AbortController>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** @param remove one attempt, ended by the signal; rejects, or resolves to false, to be called again. */
  add(key: string, id: string, remove: (signal: AbortSignal) => Promise<boolean>): void {
    this.drop(key, id)
    const abort = new AbortController()
    this.#pending.set(nameOf(key, id), abort)
    void this.#run(nameOf(key, id), abort.signal, remove)
  }

  /** Forgets the record of an instance that is registered anew. */
  drop(key: string, id: string): void {
    this.#pending.get(nameOf(key, id))?.abort()
    this.#pending.delete(nameOf(key, id))
  }

  close(): void {
    for (const abort of this.#pending.values()) abort.abort()
    this.#pending.clear()
  }

  async #run(name: string, signal: AbortSignal, remove: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
    const { clock, random, log } = this.#runtime
    const backoff = new Backoff(random, { initialMs: 1000, maxMs: 5000 })
    while (!signal.aborted) {
      await sleep(clock, backoff.next(), signal).catch(() => undefined)
      if (signal.aborted) return
      try {
        if (await remove(signal)) break
      } catch (error) {
        const { code, message } = asFairleadError(error)
        log.debug('a record is still to be removed', { error: message })
        // The store was closed.
        if (code === 'ABORTED') break
      }
    }
    if (!signal.aborted) this.#pending.delete(name)
  }
}

function nameOf(key: string, id: string): string {
  return `${key} ${id}`
}
