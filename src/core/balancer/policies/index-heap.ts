/**
 * A binary heap of the indices 0 to n−1, least first: by `keys`, then by `ties`, then by index. To change the keys of an
 * index in the heap, write them and call `moved`.
 */
export class IndexHeap {
  readonly keys: Float64Array
  readonly ties: Float64Array
  readonly #heap: Int32Array
  /** Where in the heap an index is. */
  readonly #places: Int32Array
  #size = 0

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity)
    this.ties = new Float64Array(capacity)
    this.#heap = new Int32Array(capacity)
    this.#places = new Int32Array(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** The index at a place: the least at 0; below place p are 2p + 1 and 2p + 2. Undefined behind the end. */
  at(place: number): number | undefined {
    return place < this.#size ? this.#heap[place] : undefined
  }

  /** Adds an index that is not in the heap. */
  push(index: number): void {
    this.#rise(index, this.#size++)
  }

  /** Takes out the least. Only when there is one. */
  pop(): number {
    const least = this.#heap[0]!
    const last = this.#heap[--this.#size]!
    if (this.#size > 0) this.#sink(last, 0)
    return least
  }

  /** Puts an index where its changed keys belong. */
  moved(index: number): void {
    const place = this.#places[index]!
    if (place > 0 && this.isLess(index, this.#heap[(place - 1) >> 1]!)) this.#rise(index, place)
    else this.#sink(index, place)
  }

  isLess(a: number, b: number): boolean {
    const difference = this.keys[a]! - this.keys[b]!
    if (difference !== 0) return difference < 0
    const turns = this.ties[a]! - this.ties[b]!
    return turns === 0 ? a < b : turns < 0
  }

  #rise(index: number, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#heap[parent]!
      if (!this.isLess(index, above)) break
      this.#put(above, place)
      place = parent
    }
    this.#put(index, place)
  }

  #sink(index: number, from: number): void {
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.isLess(this.#heap[child + 1]!, this.#heap[child]!)) child++
      const below = this.#heap[child]!
      if (!this.isLess(below, index)) break
      this.#put(below, place)
      place = child
    }
    this.#put(index, place)
  }

  #put(index: number, place: number): void {
    this.#heap[place] = index
    this.#places[index] = place
  }
}
