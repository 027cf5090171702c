import type { Head } from '../http/head.js'
import type { Stream, StreamReceiver } from '../http/stream.js'

/** The connection, as far as its current stream needs it. */
export interface ServerStreamOwner {
  readonly credit: number
  readonly queued: number
  sendInterim(head: Head): void
  sendHead(head: Head, extra: Buffer, end: boolean): void
  sendData(bytes: Buffer, offset: number, length: number, end: boolean): void
  sendTrailers(head: Head): void
  resetStream(): void
  allow(credit: number, queued: number): void
}

/** One request of a client's connection. Deaf once it is over, when the connection serves another. */
export class ServerStream implements Stream {
  /** Undefined until the handler has named it. */
  receiver: StreamReceiver | undefined
  isOver = false
  readonly #connection: ServerStreamOwner

  constructor(connection: ServerStreamOwner) {
    this.#connection = connection
  }

  sendInterim(head: Head): void {
    if (!this.isOver) this.#connection.sendInterim(head)
  }

  sendHead(head: Head, extra: Buffer, end: boolean): void {
    if (!this.isOver) this.#connection.sendHead(head, extra, end)
  }

  sendData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    if (!this.isOver) this.#connection.sendData(bytes, offset, length, end)
  }

  sendTrailers(head: Head): void {
    if (!this.isOver) this.#connection.sendTrailers(head)
  }

  reset(): void {
    if (!this.isOver) this.#connection.resetStream()
  }

  get credit(): number {
    return this.isOver ? Infinity : this.#connection.credit
  }

  get queued(): number {
    return this.isOver ? 0 : this.#connection.queued
  }

  allow(credit: number, queued: number): void {
    if (!this.isOver) this.#connection.allow(credit, queued)
  }
}
