const NONE = Buffer.alloc(0)

/** Bytes that were read but could not be used yet: a section cut off, or the next request before its turn. */
export class Carry {
  bytes: Buffer = NONE
  length = 0

  append(from: Buffer, offset: number, end: number): void {
    const more = end - offset
    if (this.length + more > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(1024, this.bytes.length * 2, this.length + more))
      this.bytes.copy(grown, 0, 0, this.length)
      this.bytes = grown
    }
    from.copy(this.bytes, this.length, offset, end)
    this.length += more
  }

  /** Drops the first `count` bytes. An idle connection keeps no buffer. */
  drop(count: number): void {
    if (count === 0) return
    this.length -= count
    if (this.length === 0) this.bytes = NONE
    else this.bytes.copyWithin(0, count, count + this.length)
  }

  clear(): void {
    this.length = 0
    this.bytes = NONE
  }
}
