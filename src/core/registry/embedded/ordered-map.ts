interface Chunk<V> {
  readonly keys: string[]
  readonly values: V[]
}

const CHUNK_LIMIT = 512

/**
 * A map in key order: a list of sorted chunks. Finding is two binary searches; inserting and deleting move at most one
 * chunk's worth of pointers.
 */
export class OrderedMap<V> {
  readonly #chunks: Chunk<V>[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)]
    if (!chunk) return undefined
    const at = lowerBound(chunk.keys, key)
    return chunk.keys[at] === key ? chunk.values[at] : undefined
  }

  set(key: string, value: V): void {
    const index = this.#chunkOf(key)
    const chunk = this.#chunks[index]
    if (!chunk) {
      this.#chunks.push({ keys: [key], values: [value] })
      this.#size++
      return
    }
    const at = lowerBound(chunk.keys, key)
    if (chunk.keys[at] === key) {
      chunk.values[at] = value
      return
    }
    chunk.keys.splice(at, 0, key)
    chunk.values.splice(at, 0, value)
    this.#size++
    if (chunk.keys.length > CHUNK_LIMIT) {
      const half = CHUNK_LIMIT / 2
      this.#chunks.splice(index + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) })
    }
  }

  delete(key: string): boolean {
    const index = this.#chunkOf(key)
    const chunk = this.#chunks[index]
    if (!chunk) return false
    const at = lowerBound(chunk.keys, key)
    if (chunk.keys[at] !== key) return false
    chunk.keys.splice(at, 1)
    chunk.values.splice(at, 1)
    if (chunk.keys.length === 0) this.#chunks.splice(index, 1)
    this.#size--
    return true
  }

  /** Values with `start` ≤ key < `end` (no end: to the last), in key order. The map must not change meanwhile. */
  *range(start: string, end?: string): Generator<V, void, void> {
    for (let index = this.#chunkOf(start), first = true; index < this.#chunks.length; index++, first = false) {
      const { keys, values } = this.#chunks[index]!
      for (let at = first ? lowerBound(keys, start) : 0; at < keys.length; at++) {
        if (end !== undefined && keys[at]! >= end) return
        yield values[at]!
      }
    }
  }

  /** The chunk that holds `key`, or would: the last one whose first key is not above it. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}

/** The first index whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
