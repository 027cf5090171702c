import { NO_BYTES } from '../transport/no-bytes.js'

/**
 * Bytes that were read but could not be used yet, `bytes[start, end)`: a section cut off, or the next requests before their turn.
 * Using them up piece by piece moves none of them.
 */
export class Carry {
  bytes: Buffer = NO_BYTES
  start = 0
  end = 0

  get length(): number {
    return this.end - this.start
  }

  append(from: Buffer, offset: number, end: number): void {
    const more = end - offset
    if (this.end + more > this.bytes.length) this.#makeRoom(more)
    from.copy(this.bytes, this.end, offset, end)
    this.end += more
  }

  /** Drops what is before `position`. An idle connection keeps no buffer. */
  dropTo(position: number): void {
    this.start = position
    if (this.start >= this.end) this.clear()
  }

  clear(): void {
    this.start = this.end = 0
    this.bytes = NO_BYTES
  }

  #makeRoom(more: number): void {
    const { bytes, start, end, length } = this
    const fits = length + more <= bytes.length / 2
    this.bytes = fits ? bytes : Buffer.allocUnsafe(Math.max(1024, 2 * (length + more)))
    bytes.copy(this.bytes, 0, start, end)
    this.start = 0
    this.end = length
  }
}
