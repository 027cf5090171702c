import type { Clock } from '../../runtime.js'

/** Requests count for about this long, milliseconds. */
const MEMORY_MS = 10_000

/** How many requests a second there have been lately, as clients tell it: in lumps, now and then. */
export class TrafficMeter {
  readonly #clock: Clock
  #requests = 0
  #at: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  count(requests: number): void {
    this.#requests = this.#remembered() + requests
    this.#at = this.#clock.now()
  }

  /** Undefined while no client has told anything: some never do. */
  get requestsPerSecond(): number | undefined {
    if (this.#at === undefined) return undefined
    return (this.#remembered() * 1000) / MEMORY_MS
  }

  /** What is left of the requests by now: half a memory later some 60 percent, and so on. */
  #remembered(): number {
    return this.#requests * Math.exp(((this.#at ?? 0) - this.#clock.now()) / MEMORY_MS)
  }
}
