/** Something with output that waits for the end of the turn. */
export interface Flushable {
  flush(): void
}

/**
 * Flushes at the end of a turn of the event loop what was written during it, so that everything read in one poll shares
 * one write per connection. Not per read and not in a microtask: both would run between two reads of one poll.
 */
export class Flusher {
  #dirty: Flushable[] = []
  #spare: Flushable[] = []
  #armed = false
  #later: Flusher | undefined
  readonly #turns: number

  /** @param turns how many turns what is written waits for more: 1 to the end of this one. */
  constructor(turns = 1) {
    this.#turns = turns
  }

  /**
   * Flushes one turn later still. The poll in between does not wait, so nothing idles for it, and peers that were just being
   * woken are read and answered in one go: worth it where every message is a read and a write of its own, as in HTTP/1.1.
   */
  get later(): Flusher {
    return (this.#later ??= new Flusher(this.#turns + 1))
  }

  /** Has `item` flushed at the end of this turn. Call once per turn and item: nothing is sorted out here. */
  add(item: Flushable): void {
    this.#dirty.push(item)
    if (this.#armed) return
    this.#armed = true
    this.#wait(this.#turns)
  }

  #wait(turns: number): void {
    if (turns === 1) setImmediate(this.#run)
    else setImmediate(this.#waited, turns - 1)
  }

  readonly #waited = (turns: number): void => this.#wait(turns)

  readonly #run = (): void => {
    this.#armed = false
    const batch = this.#dirty
    this.#dirty = this.#spare
    for (const item of batch) item.flush()
    batch.length = 0
    this.#spare = batch
  }
}
