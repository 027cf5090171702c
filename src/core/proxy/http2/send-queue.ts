/** Memory held by the queues of the whole process, in bytes. */
let held = 0

/** Memory that the queues of this process hold for peers that do not keep up, in bytes. */
export function queuedInProcess(): number {
  return held
}

const SMALLEST = 4096
const NOTHING = Buffer.alloc(0)

/**
 * Bytes of one stream that wait for the peer's window: a ring that doubles as needed, so that a stream relayed through a
 * slow reader makes no garbage. Must be cleared in the end: its memory is counted for the process.
 */
export class SendQueue {
  /** What waits begins with `bytes[start, start + contiguous)`. */
  bytes = NOTHING
  start = 0
  length = 0

  /** Whether `length` more bytes would make the queues of the process hold more than `limit`. */
  exceeds(length: number, limit: number): boolean {
    const needed = this.length + length
    return needed > this.bytes.length && held + sizeFor(needed) - this.bytes.length > limit
  }

  /** Bytes at `start` that lie in one piece. */
  get contiguous(): number {
    return Math.min(this.length, this.bytes.length - this.start)
  }

  push(from: Buffer, offset: number, length: number): void {
    if (this.length + length > this.bytes.length) this.#grow(this.length + length)
    const size = this.bytes.length
    const end = (this.start + this.length) % size
    const first = Math.min(length, size - end)
    from.copy(this.bytes, end, offset, offset + first)
    from.copy(this.bytes, 0, offset + first, offset + length)
    this.length += length
  }

  /** Drops the first `length` bytes. */
  shift(length: number): void {
    this.length -= length
    this.start = this.length === 0 ? 0 : (this.start + length) % this.bytes.length
  }

  /** Gives the memory back. The queue is of no use afterwards. */
  clear(): void {
    held -= this.bytes.length
    this.bytes = NOTHING
    this.start = this.length = 0
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(sizeFor(needed))
    const first = this.contiguous
    this.bytes.copy(larger, 0, this.start, this.start + first)
    this.bytes.copy(larger, first, 0, this.length - first)
    held += larger.length - this.bytes.length
    this.bytes = larger
    this.start = 0
  }
}

function sizeFor(length: number): number {
  let size = SMALLEST
  while (size < length) size *= 2
  return size
}
