import type { Clock } from '../../runtime.js'
import type { Flushable, Flusher } from '../transport/flusher.js'

/** A clock read at most once per turn of the event loop: a reading costs as much as relaying a frame. */
export class TurnClock implements Flushable {
  readonly #clock: Clock
  readonly #flusher: Flusher
  #now = 0
  #fresh = false

  constructor(clock: Clock, flusher: Flusher) {
    this.#clock = clock
    this.#flusher = flusher
  }

  /** Monotonic milliseconds, as of when they were first asked for in this turn. */
  now(): number {
    if (this.#fresh) return this.#now
    this.#fresh = true
    this.#flusher.add(this)
    return (this.#now = this.#clock.now())
  }

  /** The turn is over. */
  flush(): void {
    this.#fresh = false
  }
}
