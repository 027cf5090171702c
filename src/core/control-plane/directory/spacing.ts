import type { Clock } from '../../runtime.js'

/** Runs something when touched: at once, but not sooner than `ms` after the last time. Many touches are one run. */
export class Spacing {
  readonly #ms: number
  readonly #clock: Clock
  readonly #run: () => void
  #last = -Infinity
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(ms: number, clock: Clock, run: () => void) {
    this.#ms = ms
    this.#clock = clock
    this.#run = run
  }

  touch(): void {
    if (this.#cancel || this.#isClosed) return
    const wait = this.#last + this.#ms - this.#clock.now()
    if (wait <= 0) this.#now()
    else this.#cancel = this.#clock.after(wait, () => this.#now())
  }

  /** Runs no more. Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  #now(): void {
    this.#cancel = undefined
    this.#last = this.#clock.now()
    this.#run()
  }
}
