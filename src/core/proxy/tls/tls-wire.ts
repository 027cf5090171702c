import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { breakOff } from '../transport/break-off.js'
import { HeldEnd } from '../transport/held-end.js'
import type { Slab, SlabPool } from '../transport/slabs.js'
import { deafReceiver, wireAddress } from '../transport/socket-wire.js'
import type { Wire, WireAddress, WireReceiver } from '../transport/transport.js'

/**
 * A wire over TLS whose handshake is done. The end of a stream is a close_notify and a FIN; a FIN alone is taken for an
 * end too, since many peers send no more than that.
 */
export class TlsWire implements Wire {
  receiver: WireReceiver = deafReceiver
  readonly slabs: SlabPool
  readonly #socket: TLSSocket
  readonly #raw: Socket
  /** Buffers and slabs that the socket may still refer to, in the order they were written. */
  readonly #written: (Buffer | Slab)[] = []
  readonly #end = new HeldEnd(() => this.receiver.onEnd())
  #error: Error | undefined
  #closing = false

  /** `raw` is the connection under `socket`. */
  constructor(socket: TLSSocket, raw: Socket, slabs: SlabPool) {
    this.#socket = socket
    this.#raw = raw
    this.slabs = slabs
    socket.on('data', (chunk: Buffer) => this.receiver.onData(chunk, chunk.length))
    socket.pause()
    socket.on('end', () => this.#ended())
    socket.on('drain', () => this.receiver.onDrain())
    socket.on('error', (error) => (this.#error = error))
    socket.on('close', () => this.#closed())
  }

  /** What ALPN settled (RFC 7301); empty for nothing. */
  get alpn(): string {
    return this.#socket.alpnProtocol || ''
  }

  get remote(): WireAddress | undefined {
    return wireAddress(this.#raw.remoteAddress, this.#raw.remotePort)
  }

  get local(): WireAddress | undefined {
    return wireAddress(this.#raw.localAddress, this.#raw.localPort)
  }

  get pending(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer, length: number): boolean {
    if (!this.#socket.writable) return true
    const buffer = this.slabs.take(length)
    bytes.copy(buffer, 0, 0, length)
    this.#written.push(buffer)
    return this.#socket.write(buffer.subarray(0, length), this.#release)
  }

  writeSlab(slab: Slab, length: number): boolean {
    if (!this.#socket.writable) {
      this.slabs.giveSlab(slab)
      return true
    }
    this.#written.push(slab)
    return this.#socket.write(slab.bytes.subarray(0, length), this.#release)
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
    breakOff(this.#raw, this.#socket)
  }

  pause(): void {
    this.#end.pause()
    this.#socket.pause()
  }

  resume(): void {
    this.#end.resume()
    this.#socket.resume()
  }

  /**
   * Where a write of TLS itself (a session ticket, say) meets a reset, Node sees an end and never completes another write. The
   * socket then has no peer any more; it is asked here for the first time, since it keeps the answer. Once this side's end is out nothing
   * is written, and a connection that ended in both directions has no peer either.
   */
  #ended(): void {
    if (this.#socket.writableFinished || this.#socket.remotePort !== undefined) return this.#end.came()
    this.#socket.destroy(new Error('the peer reset the connection'))
  }

  #closed(): void {
    if (this.#closing) return this.receiver.onClose()
    this.#end.release()
    this.receiver.onClose(this.#error)
  }

  /** Called for each write in turn: it is encrypted and handed to the kernel, or lost. */
  readonly #release = (error?: Error | null): void => {
    const first = this.#written.shift()!
    if (error) return
    if (Buffer.isBuffer(first)) this.slabs.give(first)
    else this.slabs.giveSlab(first)
  }
}
