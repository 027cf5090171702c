import type { Clock } from '../runtime.js'

/** How often it looks, milliseconds. */
const TICK_MS = 250
/** A look that is this much late tells of a stall. */
const LATE_MS = 500
/** For how long after a stall nobody is blamed: as long as it was, within these bounds. */
const LEAST_DOUBT_MS = 1000
const MOST_DOUBT_MS = 10_000

/**
 * Tells whether this process itself was held up (a long computation, a suspended machine), so that requests and checks
 * that failed meanwhile are not blamed on endpoints: their answers may have come in time and been read too late.
 */
export class StallGuard {
  readonly #clock: Clock
  /** When it looked last; Infinity while it does not look. */
  #looked = Infinity
  #doubtUntil = -Infinity
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins to look. Until then it doubts nothing. */
  start(): void {
    if (this.#cancel) return
    this.#looked = this.#clock.now()
    this.#arm()
  }

  /** Whether what fails now may be this process's own fault. */
  get inDoubt(): boolean {
    const now = this.#clock.now()
    return now < this.#doubtUntil || now - this.#looked > TICK_MS + LATE_MS
  }

  /** Looks no more. Idempotent. */
  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#looked = Infinity
  }

  #arm(): void {
    this.#cancel = this.#clock.after(TICK_MS, () => this.#look(), { keepAlive: false })
  }

  #look(): void {
    const now = this.#clock.now()
    const late = now - this.#looked - TICK_MS
    this.#looked = now
    if (late > LATE_MS) this.#doubtUntil = now + Math.min(Math.max(late, LEAST_DOUBT_MS), MOST_DOUBT_MS)
    this.#arm()
  }
}
