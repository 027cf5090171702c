import type { Clock, TimerOptions } from '../../src/core/runtime.js'

interface Timer {
  readonly due: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands still until it is told to advance. Timers fire in order of their due time. */
export class ManualClock implements Clock {
  #now = 0
  #order = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  wall(): number {
    return Date.UTC(2026, 0, 1) + this.#now
  }

  after(ms: number, callback: () => void, _options?: TimerOptions): () => void {
    const timer = { due: this.#now + Math.max(0, ms), order: this.#order++, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves time on by `ms` at once, as a suspended process finds it: what fell due fires with the next `advance`. */
  jump(ms: number): void {
    this.#now += ms
  }

  /** Moves time on by `ms`, firing what falls due and letting promise callbacks run after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (;;) {
      const next = [...this.#timers].filter((t) => t.due <= end).sort((a, b) => a.due - b.due || a.order - b.order)[0]
      if (!next) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.due)
      next.callback()
      await settle()
    }
    this.#now = end
    await settle()
  }
}

/** Lets pending promise callbacks run. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
