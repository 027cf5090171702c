import { SLACK } from './word-buffer.js'

const SMALL = 16 * 1024
const LARGE = 256 * 1024
const KEEP_SMALL = 64
const KEEP_LARGE = 16
const KEEP_SLABS = 64

/** Bytes of a slab that may be used: four of the largest HTTP/2 frames, and something besides. */
export const SLAB_BYTES = 66 * 1024

/** An output buffer handed from hand to hand, with the view of it kept: making one costs more than copying a header. */
export class Slab {
  /** SLAB_BYTES, then SLACK. */
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES + SLACK)
  readonly view = new DataView(this.bytes.buffer)
}

/**
 * Reusable output buffers. Plain ones to copy into come in two sizes: a stalled peer pins one buffer, and small
 * messages should not pin a large one. Slabs are filled piece by piece and given away whole. Bounded: beyond what is
 * kept (9 MiB), buffers go back to the allocator.
 */
export class SlabPool {
  readonly #small: Buffer[] = []
  readonly #large: Buffer[] = []
  readonly #slabs: Slab[] = []

  /** A buffer of at least `length` bytes (at most 256 KiB), with anything in it. */
  take(length: number): Buffer {
    if (length <= SMALL) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL)
    return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE)
  }

  /** Takes a buffer back. Nothing, the kernel included, may refer to it any more. */
  give(buffer: Buffer): void {
    if (buffer.length === SMALL) {
      if (this.#small.length < KEEP_SMALL) this.#small.push(buffer)
    } else if (this.#large.length < KEEP_LARGE) {
      this.#large.push(buffer)
    }
  }

  /** A slab with anything in it. */
  takeSlab(): Slab {
    return this.#slabs.pop() ?? new Slab()
  }

  /** Takes a slab back. Nothing, the kernel included, may refer to it any more. */
  giveSlab(slab: Slab): void {
    if (this.#slabs.length < KEEP_SLABS) this.#slabs.push(slab)
  }
}
