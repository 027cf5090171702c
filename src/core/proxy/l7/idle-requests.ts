import { type Perishable, type Ticker, ticksOf } from '../ticker.js'

/** A request as far as it matters whether anything of it moves. */
export interface Moving {
  /** Counts up whenever something moves, in either direction. */
  moves: number
  /** `moves` at the last look, and the tick of the look that first saw it. Kept by `IdleRequests`, as is its place there; -1 for none. */
  seenMoves: number
  quietSince: number
  idlePlace: number
  /** Nothing has moved for too long. It is in no list any more. */
  idleOut(): void
}

/** Looks that a quiet request survives: the more, the nearer to the limit it ends. */
const LOOKS = 10

/**
 * All requests under way, to be broken off when nothing of them moves for the idle timeout, as in Envoy's `stream_idle_timeout`. They
 * are looked at every now and then: a request costs a place in a list, and a count where bytes pass.
 */
export class IdleRequests implements Perishable {
  deadline = 0
  readonly #ticker: Ticker
  readonly #limitMs: () => number
  readonly #items: Moving[] = []
  #isWatched = false

  /** `limitMs` tells the idle timeout of the moment. */
  constructor(ticker: Ticker, limitMs: () => number) {
    this.#ticker = ticker
    this.#limitMs = limitMs
  }

  add(item: Moving): void {
    item.idlePlace = this.#items.push(item) - 1
    if (this.#isWatched) return
    this.#isWatched = true
    this.deadline = this.#ticker.now
    this.#ticker.watch(this)
  }

  /** Does nothing where `item` is not in the list. */
  remove(item: Moving): void {
    const { idlePlace } = item
    if (idlePlace < 0) return
    const last = this.#items.pop()!
    if (last !== item) {
      this.#items[idlePlace] = last
      last.idlePlace = idlePlace
    }
    item.idlePlace = -1
  }

  expire(): void {
    const { now } = this.#ticker
    if (this.#items.length === 0) {
      this.#isWatched = false
      return this.#ticker.unwatch(this)
    }
    const limit = ticksOf(this.#limitMs())
    this.deadline = now + Math.max(1, Math.floor(limit / LOOKS))
    // Downwards: removing puts the last item, already looked at, in the place of the removed one.
    for (let i = this.#items.length - 1; i >= 0; i--) {
      const item = this.#items[i]
      if (item === undefined) continue
      if (item.moves !== item.seenMoves) {
        item.seenMoves = item.moves
        item.quietSince = now
      } else if (now - item.quietSince >= limit) {
        this.remove(item)
        item.idleOut()
      }
    }
  }
}
