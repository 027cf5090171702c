import type { RegistryEvent } from './registry-event.js'

/**
 * The events one reader has not read yet. Bounded: a reader that falls `limit` events behind loses them and gets a snapshot of
 * all there is instead.
 */
export class EventQueue {
  readonly #limit: number
  readonly #snapshot: () => RegistryEvent
  #events: RegistryEvent[] = []
  #hasOverflowed = false
  #wake: (() => void) | undefined

  constructor(snapshot: () => RegistryEvent, limit = 10_000) {
    this.#snapshot = snapshot
    this.#limit = limit
  }

  push(event: RegistryEvent): void {
    if (this.#events.length >= this.#limit) {
      this.#events = []
      this.#hasOverflowed = true
    }
    if (!this.#hasOverflowed) this.#events.push(event)
    this.#wake?.()
  }

  /** Yields events until `signal` aborts. To be called once. */
  async *read(signal: AbortSignal): AsyncGenerator<RegistryEvent, void, undefined> {
    const onAbort = () => this.#wake?.()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      while (!signal.aborted) {
        if (this.#hasOverflowed) {
          this.#hasOverflowed = false
          yield this.#snapshot()
        } else if (this.#events.length > 0) {
          const events = this.#events
          this.#events = []
          for (const event of events) {
            if (signal.aborted) return
            yield event
          }
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve))
          this.#wake = undefined
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
