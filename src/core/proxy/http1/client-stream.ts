import type { Head } from '../http/head.js'
import type { Stream, StreamReceiver } from '../http/stream.js'

/** The connection, as far as its current stream needs it. */
export interface ClientStreamOwner {
  readonly credit: number
  readonly queued: number
  sendData(bytes: Buffer, offset: number, length: number, end: boolean): void
  sendTrailers(head: Head): void
  resetStream(): void
  allow(credit: number, queued: number): void
}

/** One request sent to an endpoint. Deaf once it is over, when the connection serves another. */
export class ClientStream implements Stream {
  isOver = false
  readonly #connection: ClientStreamOwner

  constructor(
    connection: ClientStreamOwner,
    readonly receiver: StreamReceiver,
  ) {
    this.#connection = connection
  }

  sendInterim(): void {}

  sendHead(): void {}

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
