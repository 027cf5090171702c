import { copyShort } from './copy-words.js'
import type { Flushable, Flusher } from './flusher.js'
import { Slab, SLAB_BYTES } from './slabs.js'
import type { Wire } from './transport.js'

/** Unwritten bytes beyond which a wire counts as full. */
export const OUTPUT_LIMIT = 256 * 1024

/** Stands in until something is written, so that an idle connection holds no memory. It has no room. */
const NO_SLAB = new Slab()

/**
 * What is to be written to one wire, gathered in a slab that is handed over without a copy. To write:
 *
 *     output.ensure(n)
 *     output.bytes[output.position++] = …   (or output.view, at most n bytes)
 *     output.commit()
 *
 * With a flusher, what was committed goes out at the end of the turn of the event loop; without, at once.
 */
export class Output implements Flushable {
  /** The slab being filled, and where the next byte goes. Both change with `ensure`, `write` and `flush`. */
  bytes: Buffer = NO_SLAB.bytes
  view: DataView = NO_SLAB.view
  position = SLAB_BYTES
  /** How often something has been handed to the wire. */
  writes = 0
  readonly #wire: Wire
  readonly #flusher: Flusher | undefined
  #slab: Slab = NO_SLAB
  #waiting = 0
  /** Bytes that the wire has been handed. */
  #handed = 0
  #marked = false
  #closed = false

  constructor(wire: Wire, flusher?: Flusher) {
    this.#wire = wire
    this.#flusher = flusher
  }

  /** Bytes that the kernel has not taken, those still gathered here included. */
  get pending(): number {
    return this.#slab === NO_SLAB ? this.#waiting : this.#waiting + this.position
  }

  /** Bytes that the kernel has taken so far: as long as this grows, the peer reads. */
  get taken(): number {
    return this.#handed - this.#wire.pending
  }

  /** Whether the peer takes so little that nothing more should be written than must be. */
  get full(): boolean {
    return this.#waiting > OUTPUT_LIMIT
  }

  /** Bytes that can be written before the slab in hand is full. */
  get room(): number {
    return SLAB_BYTES - this.position
  }

  /** Makes room for `length` bytes, at most SLAB_BYTES. */
  ensure(length: number): void {
    if (this.position + length > SLAB_BYTES) this.#renew()
  }

  /** Appends `length` bytes, however many. */
  write(from: Buffer, offset: number, length: number): void {
    while (length > SLAB_BYTES - this.position) {
      const part = SLAB_BYTES - this.position
      copyShort(from, offset, part, this.bytes, this.view, this.position)
      this.position += part
      offset += part
      length -= part
      this.#renew()
    }
    copyShort(from, offset, length, this.bytes, this.view, this.position)
    this.position += length
  }

  /** What has been written so far is to go out. */
  commit(): void {
    if (this.#marked) return
    if (!this.#flusher || this.#closed) return this.#handOver()
    this.#marked = true
    this.#flusher.add(this)
  }

  /** Hands everything to the wire now. */
  flush(): void {
    this.#marked = false
    this.#handOver()
  }

  /** The wire has drained: to be called from its receiver's `onDrain`. */
  drained(): void {
    this.#waiting = this.#wire.pending
  }

  /** The wire is gone: drops what is gathered, and everything written from now on. */
  close(): void {
    this.#closed = true
    this.#waiting = 0
    this.#handOver()
  }

  #renew(): void {
    this.#handOver()
    this.#slab = this.#wire.slabs.takeSlab()
    this.bytes = this.#slab.bytes
    this.view = this.#slab.view
    this.position = 0
  }

  #handOver(): void {
    const slab = this.#slab
    if (slab === NO_SLAB) return
    const length = this.position
    this.#slab = NO_SLAB
    this.bytes = NO_SLAB.bytes
    this.view = NO_SLAB.view
    this.position = SLAB_BYTES
    if (length === 0 || this.#closed) return this.#wire.slabs.giveSlab(slab)
    this.writes++
    this.#handed += length
    this.#wire.writeSlab(slab, length)
    this.#waiting = this.#wire.pending
  }
}
