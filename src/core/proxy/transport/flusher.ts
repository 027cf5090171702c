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

  /** Has `item` flushed at the end of this turn. Call once per turn and item: nothing is sorted out here. */
  add(item: Flushable): void {
    this.#dirty.push(item)
    if (this.#armed) return
    this.#armed = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#armed = false
    const batch = this.#dirty
    this.#dirty = this.#spare
    for (const item of batch) item.flush()
    batch.length = 0
    this.#spare = batch
  }
}
