import { type Slab, SlabPool } from '../../../src/core/proxy/transport/slabs.js'
import { deafReceiver } from '../../../src/core/proxy/transport/socket-wire.js'
import type { Wire, WireReceiver } from '../../../src/core/proxy/transport/transport.js'

/** A wire whose other end is the test. */
export class FakeWire implements Wire {
  receiver: WireReceiver = deafReceiver
  readonly remote = { host: '192.0.2.1', port: 80 }
  readonly local = { host: '192.0.2.2', port: 8080 }
  readonly slabs = new SlabPool()
  /** Unwritten bytes to pretend; `drain` takes them. */
  pending = 0
  state: 'open' | 'ended' | 'closed' | 'reset' = 'open'
  isPaused = true
  writes = 0
  #text = ''

  /** Everything written so far, one character per byte. */
  get text(): string {
    return this.#text
  }

  write(bytes: Buffer, length: number): boolean {
    this.writes++
    if (this.state === 'open') this.#text += bytes.toString('latin1', 0, length)
    return this.pending === 0
  }

  writeSlab(slab: Slab, length: number): boolean {
    this.slabs.giveSlab(slab)
    return this.write(slab.bytes, length)
  }

  end(): void {
    if (this.state === 'open') this.state = 'ended'
  }

  close(): void {
    this.#close('closed')
  }

  reset(): void {
    this.#close('reset')
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  /** Bytes from the other end, in pieces of at most `size`. A buffer is overwritten once it has been handed over, as the real one is. */
  receive(bytes: string | Buffer, size = Infinity): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    for (let at = 0; at < all.length && (this.state === 'open' || this.state === 'ended'); at += size) {
      const piece = Buffer.from(all.subarray(at, Math.min(all.length, at + size)))
      this.receiver.onData(piece, piece.length)
      piece.fill(0xee)
    }
  }

  /** The other end has read everything. */
  drain(): void {
    this.pending = 0
    this.receiver.onDrain()
  }

  #close(state: 'closed' | 'reset'): void {
    if (this.state === 'closed' || this.state === 'reset') return
    this.state = state
    setImmediate(() => this.receiver.onClose())
  }
}

/** The turn of the event loop in which connections flush and go on has passed. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
