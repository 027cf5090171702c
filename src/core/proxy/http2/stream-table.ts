/** What a table needs to know of a stream. */
interface Numbered {
  readonly id: number
}

const SMALLEST = 8
const LARGEST = 1024

/**
 * The open streams of a connection by id, in a ring: ids count up by two, so `id >> 1` modulo the ring's size rarely meets
 * a taken slot. Where it does, the ring doubles; once it is large, a map takes what collides.
 */
export class StreamTable<S extends Numbered> {
  /** Open streams. */
  size = 0
  #ring: (S | undefined)[] = new Array<S | undefined>(SMALLEST).fill(undefined)
  #mask = SMALLEST - 1
  #collided: Map<number, S> | undefined

  get(id: number): S | undefined {
    const stream = this.#ring[(id >> 1) & this.#mask]
    if (stream !== undefined && stream.id === id) return stream
    return this.#collided === undefined ? undefined : this.#collided.get(id)
  }

  add(stream: S): void {
    this.size++
    while (this.#ring[(stream.id >> 1) & this.#mask] !== undefined) {
      if (this.#mask + 1 === LARGEST) {
        this.#collided ??= new Map()
        this.#collided.set(stream.id, stream)
        return
      }
      this.#grow()
    }
    this.#ring[(stream.id >> 1) & this.#mask] = stream
  }

  delete(stream: S): void {
    const slot = (stream.id >> 1) & this.#mask
    if (this.#ring[slot] === stream) this.#ring[slot] = undefined
    else if (!this.#collided?.delete(stream.id)) return
    this.size--
  }

  /** The streams open now, whatever happens to them meanwhile. */
  all(): S[] {
    const streams: S[] = []
    if (this.size === 0) return streams
    for (const stream of this.#ring) if (stream !== undefined) streams.push(stream)
    if (this.#collided) streams.push(...this.#collided.values())
    return streams
  }

  /** Streams whose slots differ have different slots in a ring twice the size. */
  #grow(): void {
    const old = this.#ring
    const size = old.length * 2
    this.#mask = size - 1
    this.#ring = new Array<S | undefined>(size).fill(undefined)
    for (const stream of old) if (stream !== undefined) this.#ring[(stream.id >> 1) & this.#mask] = stream
  }
}

const REMEMBERED = 1024

/** The latest streams that we reset: the peer may have sent more on them before it heard (RFC 9113 §5.1). */
export class ResetIds {
  #ids: Int32Array | undefined

  add(id: number): void {
    this.#ids ??= new Int32Array(REMEMBERED)
    this.#ids[(id >> 1) % REMEMBERED] = id
  }

  has(id: number): boolean {
    return this.#ids !== undefined && this.#ids[(id >> 1) % REMEMBERED] === id
  }
}
