import type { Clock } from '../../runtime.js'

/** Clients report once a second at the most, and a few times at once after this process was held up. */
const PER_SECOND = 5
const AT_ONCE = 50

/** How many messages a stream may bring. */
export class MessageBudget {
  #left = AT_ONCE
  #filledAt: number

  constructor(private readonly clock: Clock) {
    this.#filledAt = clock.now()
  }

  /** Counts a message. False: that was one too many. */
  spend(): boolean {
    const now = this.clock.now()
    this.#left = Math.min(AT_ONCE, this.#left + ((now - this.#filledAt) / 1000) * PER_SECOND)
    this.#filledAt = now
    this.#left -= 1
    return this.#left >= 0
  }
}
