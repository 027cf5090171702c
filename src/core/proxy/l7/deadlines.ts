import type { Perishable, Ticker } from '../ticker.js'

/** Something whose time may run out, and its place in the list of all of them. */
export interface Deadlined {
  /** The tick at which `timeOut` is called. */
  readonly deadline: number
  /** Kept by `Deadlines`; -1 while it is in none. */
  place: number
  /** Called once; it is in no list any more. */
  timeOut(): void
}

/** The deadlines of all requests, looked through once a tick: cheaper than a timer, or a place in a Set, for each. */
export class Deadlines implements Perishable {
  /** Every tick. */
  readonly deadline = 0
  readonly #ticker: Ticker
  readonly #items: Deadlined[] = []

  constructor(ticker: Ticker) {
    this.#ticker = ticker
  }

  add(item: Deadlined): void {
    item.place = this.#items.push(item) - 1
    if (item.place === 0) this.#ticker.watch(this)
  }

  /** Does nothing where `item` is not in the list. */
  remove(item: Deadlined): void {
    const { place } = item
    if (place < 0) return
    const last = this.#items.pop()!
    if (last !== item) {
      this.#items[place] = last
      last.place = place
    }
    item.place = -1
    if (this.#items.length === 0) this.#ticker.unwatch(this)
  }

  expire(): void {
    const { now } = this.#ticker
    // Downwards: removing puts the last item, already looked at, in the place of the removed one.
    for (let i = this.#items.length - 1; i >= 0; i--) {
      const item = this.#items[i]
      if (item === undefined || item.deadline > now) continue
      this.remove(item)
      item.timeOut()
    }
  }
}
