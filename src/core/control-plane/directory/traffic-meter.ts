import type { Clock } from '../../runtime.js'

/** Requests count for about this long, milliseconds. */
const MEMORY_MS = 10_000

/** How many requests a second there have been lately, as clients tell it: in lumps, now and then. */
export class TrafficMeter {
  readonly #clock: Clock
  #requests = 0
  #at = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  count(requests: number): void {
    this.#requests = this.#remembered() + requests
    this.#at = this.#clock.now()
  }

  get requestsPerSecond(): number {
    return (this.#remembered() * 1000) / MEMORY_MS
  }

  /** What is left of the requests by now: half a memory later some 60 percent, and so on. */
  #remembered(): number {
    return this.#requests * Math.exp((this.#at - this.#clock.now()) / MEMORY_MS)
  }
}
