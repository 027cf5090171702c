import { IndexHeap } from './index-heap.js'

/** Up to so many entries, looking at each is faster than keeping heaps. */
const SCAN_LIMIT = 64

/**
 * Indices 0 to n−1 that each may be taken from one step on and are due by another. Gives out the one due first among
 * those that may be taken, in O(log n).
 */
export class DueQueue {
  /** By when each is due. */
  readonly #open: IndexHeap
  /** From when on each may be taken. */
  readonly #waiting: IndexHeap
  readonly #scans: boolean

  constructor(count: number) {
    this.#open = new IndexHeap(count)
    this.#waiting = new IndexHeap(count)
    this.#scans = count <= SCAN_LIMIT
  }

  /** Takes an index out. When none may be taken yet, the one that may be first. */
  take(step: number): number {
    if (this.#scans) return this.#scan(step)
    const waiting = this.#waiting
    while (waiting.size > 0 && waiting.keys[waiting.at(0)!]! <= step) this.#open.push(waiting.pop())
    return this.#open.size > 0 ? this.#open.pop() : waiting.pop()
  }

  /** Puts in an index that is not in. Before the first `take`, all are put in. */
  put(index: number, from: number, due: number): void {
    this.#waiting.keys[index] = from
    this.#open.keys[index] = due
    if (!this.#scans) this.#waiting.push(index)
  }

  /** Takes `steps` off every number. */
  rewind(steps: number): void {
    for (let index = 0; index < this.#open.keys.length; index++) {
      this.#waiting.keys[index]! -= steps
      this.#open.keys[index]! -= steps
    }
  }

  #scan(step: number): number {
    const from = this.#waiting.keys
    const due = this.#open.keys
    let best = -1
    let next = 0
    for (let index = 0; index < due.length; index++) {
      if (from[index]! > step) {
        if (from[index]! < from[next]!) next = index
      } else if (best < 0 || due[index]! < due[best]!) best = index
    }
    return best < 0 ? next : best
  }
}
