import type { Clock } from '../runtime.js'

/** Milliseconds between two ticks: what every deadline is rounded up to. */
export const TICK_MS = 100

/** Something whose time can run out. */
export interface Perishable {
  /** The tick at which `expire` is called. May be moved at any time; Infinity for never. */
  deadline: number
  /** Called once per tick for as long as the deadline has passed and it is still watched. */
  expire(): void
}

/**
 * Deadlines for many connections at the cost of one timer, instead of a timer each. Time is counted in ticks that were
 * seen, not read from a clock: while the process is stalled or suspended nobody's time runs, so a stall does not expire
 * connections whose answers are already waiting in the kernel.
 */
export class Ticker {
  /** The current tick. */
  now = 0
  readonly #clock: Clock
  readonly #watched = new Set<Perishable>()
  #ticking = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The tick that is at least `ms` away. */
  in(ms: number): number {
    return this.now + ticksOf(ms)
  }

  watch(item: Perishable): void {
    this.#watched.add(item)
    if (!this.#ticking) this.#arm()
  }

  /** Must be called for everything watched: the timer runs for as long as there is something to watch. */
  unwatch(item: Perishable): void {
    this.#watched.delete(item)
  }

  #arm(): void {
    this.#ticking = true
    this.#clock.after(TICK_MS, () => this.#tick(), { keepAlive: false })
  }

  #tick(): void {
    this.#ticking = this.#watched.size > 0
    if (!this.#ticking) return
    this.#arm()
    const now = ++this.now
    for (const item of this.#watched) if (item.deadline <= now) item.expire()
  }
}

/** `ms` as ticks, rounded up, plus the tick that is already under way. */
export function ticksOf(ms: number): number {
  return Math.ceil(ms / TICK_MS) + 1
}
