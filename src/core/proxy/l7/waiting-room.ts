import type { Perishable, Ticker } from '../ticker.js'

/** A call that is held until there is an endpoint for it ("wait for ready"). */
export interface HeldCall {
  /** Looks again. Stays in the room by entering it again. */
  lookAgain(): void
}

/** Calls without an endpoint, which look for one again at every tick: whatever brings one back, they find it. */
export class WaitingRoom implements Perishable {
  /** Every tick. */
  readonly deadline = 0
  readonly #ticker: Ticker
  #calls = new Set<HeldCall>()
  /** Those that have not looked again yet at this tick. */
  #looking = new Set<HeldCall>()

  constructor(ticker: Ticker) {
    this.#ticker = ticker
  }

  get size(): number {
    return this.#calls.size
  }

  enter(call: HeldCall): void {
    if (this.#calls.size === 0) this.#ticker.watch(this)
    this.#calls.add(call)
  }

  /** Does nothing for a call that is not held. */
  leave(call: HeldCall): void {
    this.#looking.delete(call)
    if (this.#calls.delete(call) && this.#calls.size === 0) this.#ticker.unwatch(this)
  }

  expire(): void {
    this.#looking = this.#calls
    this.#calls = new Set()
    for (const call of this.#looking) {
      this.#looking.delete(call)
      call.lookAgain()
    }
    if (this.#calls.size === 0) this.#ticker.unwatch(this)
  }
}
