import { type Slab, SlabPool } from '../../src/core/proxy/transport/slabs.js'
import type { Wire, WireReceiver } from '../../src/core/proxy/transport/transport.js'

/** A wire without a network: a test plays the peer by calling its receiver, and reads what was done to it. */
export class FakeWire implements Wire {
  receiver: WireReceiver = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }
  readonly remote = { host: '192.0.2.1', port: 1024 }
  readonly local = { host: '192.0.2.2', port: 80 }
  readonly slabs = new SlabPool()
  /** Unwritten bytes to pretend. */
  pending = 0
  readonly written: Buffer[] = []
  reading = false
  ended = false
  /** How this side got rid of it. */
  gone: 'closed' | 'reset' | undefined

  /** The peer sends `bytes`; they are overwritten afterwards, as those of a real wire are. */
  receive(bytes: Buffer | string): void {
    const copy = Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    this.receiver.onData(copy, copy.length)
    copy.fill(0xff)
  }

  write(bytes: Buffer, length: number): boolean {
    this.written.push(Buffer.from(bytes.subarray(0, length)))
    return true
  }

  writeSlab(slab: Slab, length: number): boolean {
    this.write(slab.bytes, length)
    this.slabs.giveSlab(slab)
    return true
  }

  end(): void {
    this.ended = true
  }

  close(): void {
    this.gone ??= 'closed'
  }

  reset(): void {
    this.gone ??= 'reset'
  }

  pause(): void {
    this.reading = false
  }

  resume(): void {
    this.reading = true
  }
}
