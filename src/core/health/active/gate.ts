/** Lets so many through at a time, in the order of their coming. */
export class Gate {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(places: number) {
    this.#free = places
  }

  /** Resolves when there is a place, or, without one, when the signal aborts. Who got one must `leave`. */
  enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const onAbort = () => {
        this.#waiting.delete(proceed)
        resolve(false)
      }
      const proceed = () => {
        signal.removeEventListener('abort', onAbort)
        resolve(true)
      }
      this.#waiting.add(proceed)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
