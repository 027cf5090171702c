import { NO_BYTES } from '../transport/no-bytes.js'

/** Memory held by the queues of the whole process, in bytes. */
let held = 0

/** Memory that the queues of this process hold for peers that do not keep up, in bytes. */
export function queuedInProcess(): number {
  return held
}

const SMALLEST = 4096

/** Memory of queues that are gone, by size, kept for those to come: a stream at its window's edge makes one after the other. */
const spare = new Map<number, Buffer<ArrayBuffer>[]>()
const LARGEST_SPARE = 256 * 1024
const SPARE_BYTES_PER_SIZE = 1024 * 1024

function take(size: number): Buffer<ArrayBuffer> {
  held += size
  return spare.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size)
}

function give(buffer: Buffer<ArrayBuffer>): void {
  const size = buffer.length
  held -= size
  if (size === 0 || size > LARGEST_SPARE) return
  const buffers = spare.get(size)
  if (buffers === undefined) spare.set(size, [buffer])
  else if (buffers.length * size < SPARE_BYTES_PER_SIZE) buffers.push(buffer)
}

/**
 * Bytes of one stream that wait for the peer's window: a ring that doubles as needed, so that a stream relayed through a
 * slow reader makes no garbage. Must be cleared in the end: its memory is counted for the process.
 */
export class SendQueue {
  /** What waits begins with `bytes[start, start + contiguous)`. */
  bytes = NO_BYTES
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
    give(this.bytes)
    this.bytes = NO_BYTES
    this.start = this.length = 0
  }

  #grow(needed: number): void {
    const larger = take(sizeFor(needed))
    const first = this.contiguous
    this.bytes.copy(larger, 0, this.start, this.start + first)
    this.bytes.copy(larger, first, 0, this.length - first)
    give(this.bytes)
    this.bytes = larger
    this.start = 0
  }
}

function sizeFor(length: number): number {
  let size = SMALLEST
  while (size < length) size *= 2
  return size
}
