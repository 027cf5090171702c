import { setTimeout as pause } from 'node:timers/promises'
import type { Calls } from './calling-client.js'

const WORKERS = 4

/** Calls something without pause, until it is closed, and tells how the calls went. */
export class Caller {
  /** Everything that failed since it started. */
  readonly errors: string[] = []
  #counts: Record<string, number> = {}
  #stopped = false
  readonly #workers: readonly Promise<void>[]

  /** @param ask one call: resolves with the name of who answered */
  constructor(ask: () => Promise<string>) {
    this.#workers = Array.from({ length: WORKERS }, () => this.#work(ask))
  }

  /** How the next calls go, at least so many good ones. Fails where they do not come within 20 s. */
  async next(count: number): Promise<Calls> {
    const before = this.errors.length
    this.#counts = {}
    const counts = this.#counts
    for (let attempt = 0; attempt < 1000; attempt++) {
      await pause(20)
      if (Object.values(counts).reduce((sum, n) => sum + n, 0) >= count) {
        return { counts: { ...counts }, errors: this.errors.slice(before) }
      }
    }
    throw new Error(`fewer than ${count} calls: ${JSON.stringify(counts)} ${this.errors.slice(-3).join('; ')}`)
  }

  async close(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#workers)
  }

  async #work(ask: () => Promise<string>): Promise<void> {
    while (!this.#stopped) {
      try {
        const name = await ask()
        this.#counts[name] = (this.#counts[name] ?? 0) + 1
      } catch (error) {
        this.errors.push(String(error))
      }
      await pause(1)
    }
  }
}
