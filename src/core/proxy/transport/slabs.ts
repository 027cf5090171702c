const SMALL = 16 * 1024
const LARGE = 256 * 1024
const KEEP_SMALL = 64
const KEEP_LARGE = 16

/**
 * Reusable output buffers in two sizes: a stalled peer pins one slab, and small messages should not pin a large one.
 * Bounded: beyond what is kept (5 MiB), slabs go back to the allocator.
 */
export class SlabPool {
  readonly #small: Buffer[] = []
  readonly #large: Buffer[] = []

  /** A buffer of at least `length` bytes (at most 256 KiB), with anything in it. */
  take(length: number): Buffer {
    if (length <= SMALL) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL)
    return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE)
  }

  /** Takes a slab back. Nothing, the kernel included, may refer to it any more. */
  give(slab: Buffer): void {
    if (slab.length === SMALL) {
      if (this.#small.length < KEEP_SMALL) this.#small.push(slab)
    } else if (this.#large.length < KEEP_LARGE) {
      this.#large.push(slab)
    }
  }
}
