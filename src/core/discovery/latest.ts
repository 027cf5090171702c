import type { Resolution } from './resolution.js'

/**
 * One consumer's view of a stream of resolutions: latest wins. A slow consumer finds at most one snapshot and one stale
 * notice waiting, so its memory is bounded whatever the registry does.
 */
export class LatestResolution {
  #snapshot: Resolution | undefined
  #stale: Resolution | undefined
  #wake: (() => void) | undefined

  /** Replaces what waits. A snapshot also ends a stale notice that was not read yet. */
  offer(resolution: Resolution): void {
    if (resolution.kind === 'snapshot') {
      this.#snapshot = resolution
      this.#stale = undefined
    } else {
      this.#stale = resolution
    }
    this.#wake?.()
  }

  /** Yields what is offered until `signal` aborts. To be called once. */
  async *read(signal: AbortSignal): AsyncGenerator<Resolution, void, undefined> {
    const onAbort = () => this.#wake?.()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      while (!signal.aborted) {
        const next = this.#take()
        if (next) yield next
        else await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** The snapshot before the stale notice: that is the order they came in. */
  #take(): Resolution | undefined {
    const next = this.#snapshot ?? this.#stale
    if (next === this.#snapshot) this.#snapshot = undefined
    else this.#stale = undefined
    return next
  }
}
