import { type Flushable, Flusher } from '../transport/flusher.js'

/**
 * Flushes what was written during a read callback when that is over: an HTTP/1.1 exchange is one read and one write on each
 * side, so waiting for the end of the turn joins nothing. What is written outside of a read goes out at the end of the turn.
 */
class ReadFlusher extends Flusher {
  #written: Flushable[] = []
  #spare: Flushable[] = []
  #depth = 0

  override add(item: Flushable): void {
    if (this.#depth > 0) this.#written.push(item)
    else super.add(item)
  }

  /** A read callback begins. `leave` must follow. */
  enter(): void {
    this.#depth++
  }

  leave(): void {
    if (--this.#depth > 0) return
    const batch = this.#written
    this.#written = this.#spare
    for (const item of batch) item.flush()
    batch.length = 0
    this.#spare = batch
  }
}

/** Reads follow one another in a process, so that one serves all connections. */
export const readFlusher = new ReadFlusher()
