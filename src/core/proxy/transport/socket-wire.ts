import type { Socket } from 'node:net'
import { breakOff } from './break-off.js'
import { HeldEnd } from './held-end.js'
import type { Slab, SlabPool } from './slabs.js'
import { type ReadCallback, readStatically } from './static-read.js'
import type { Wire, WireAddress, WireReceiver } from './transport.js'

/** A wire over a net.Socket that was made with `allowHalfOpen` and reads nothing yet. */
export class SocketWire implements Wire {
  receiver: WireReceiver
  readonly #socket: Socket
  readonly slabs: SlabPool
  /** What the kernel has not taken whole; comes back to the pool once nothing is pending. */
  #held: Buffer | undefined
  readonly #heldSlabs: Slab[] = []
  /** Where reading is by 'data' events. */
  #end: HeldEnd | undefined
  #error: Error | undefined
  #closing = false

  constructor(socket: Socket, slabs: SlabPool, receiver: WireReceiver) {
    this.#socket = socket
    this.slabs = slabs
    this.receiver = receiver
    socket.on('end', () => (this.#end ? this.#end.came() : this.receiver.onEnd()))
    socket.on('drain', () => this.#drained())
    socket.on('error', (error) => (this.#error = error))
    socket.on('close', () => this.#closed())
  }

  /** What reads into a shared buffer are to call. */
  readonly read: ReadCallback = (length, bytes) => {
    this.receiver.onData(bytes, length)
    return true
  }

  /** Attaches reading to an accepted socket: into the shared buffer if `statically` and possible, else by 'data' events. */
  attach(statically: boolean): void {
    if (statically && readStatically(this.#socket, this.read)) return
    this.#end = new HeldEnd(() => this.receiver.onEnd())
    this.#socket.on('data', (chunk: Buffer) => this.receiver.onData(chunk, chunk.length))
    this.#socket.pause()
  }

  /** Gives the socket, which is not to be reading, to somebody else: this wire is deaf from now on. */
  surrender(): Socket {
    this.receiver = deafReceiver
    return this.#socket
  }

  get remote(): WireAddress | undefined {
    return wireAddress(this.#socket.remoteAddress, this.#socket.remotePort)
  }

  get local(): WireAddress | undefined {
    return wireAddress(this.#socket.localAddress, this.#socket.localPort)
  }

  get pending(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer, length: number): boolean {
    const socket = this.#socket
    if (!socket.writable) return true
    const buffer = this.slabs.take(length)
    bytes.copy(buffer, 0, 0, length)
    const belowMark = socket.write(buffer.subarray(0, length))
    if (socket.writableLength === 0) {
      this.slabs.give(buffer)
      this.#release()
      return true
    }
    this.#held ??= buffer
    return belowMark
  }

  writeSlab(slab: Slab, length: number): boolean {
    const socket = this.#socket
    if (!socket.writable) {
      this.slabs.giveSlab(slab)
      return true
    }
    const belowMark = socket.write(slab.bytes.subarray(0, length))
    if (socket.writableLength === 0) {
      this.slabs.giveSlab(slab)
      this.#release()
      return true
    }
    this.#heldSlabs.push(slab)
    return belowMark
  }

  end(): void {
    this.#socket.end()
  }

  close(): void {
    this.#closing = true
    this.#socket.destroy()
  }

  reset(): void {
    this.#closing = true
    breakOff(this.#socket)
  }

  pause(): void {
    this.#end?.pause()
    this.#socket.pause()
  }

  resume(): void {
    this.#end?.resume()
    this.#socket.resume()
  }

  #closed(): void {
    if (this.#closing) return this.receiver.onClose()
    this.#end?.release()
    this.receiver.onClose(this.#error)
  }

  #drained(): void {
    if (this.#socket.writableLength === 0) this.#release()
    this.receiver.onDrain()
  }

  /** Nothing is pending. */
  #release(): void {
    if (this.#held) this.slabs.give(this.#held)
    this.#held = undefined
    if (this.#heldSlabs.length === 0) return
    for (const slab of this.#heldSlabs) this.slabs.giveSlab(slab)
    this.#heldSlabs.length = 0
  }
}

/** Receives nothing: for the moment between a wire's making and its owner's setting of a receiver. */
export const deafReceiver: WireReceiver = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

export function wireAddress(host: string | undefined, port: number | undefined): WireAddress | undefined {
  if (host === undefined || port === undefined) return undefined
  if (host.startsWith('::ffff:') && host.includes('.')) return { host: host.slice(7), port }
  const zone = host.indexOf('%')
  return { host: zone < 0 ? host : host.slice(0, zone), port }
}
