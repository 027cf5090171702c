import { ErrorCode } from '../http/stream.js'
import type { Output } from '../transport/output.js'
import type { Http2Stream } from './stream.js'

/** The connection of streams that wait. */
export interface WaitingOwner {
  readonly output: Output
  readonly connectionCredit: number
  /** Resets a stream that stalls and tells its receiver. */
  giveUp(stream: Http2Stream, code: number, reason: string): void
}

/** The streams of a connection that have bytes queued, the next to be served first. */
export class WaitingStreams {
  readonly #streams = new Set<Http2Stream>()
  readonly #owner: WaitingOwner

  constructor(owner: WaitingOwner) {
    this.#owner = owner
  }

  add(stream: Http2Stream): void {
    this.#streams.add(stream)
  }

  delete(stream: Http2Stream): void {
    this.#streams.delete(stream)
  }

  /** Sends what the windows take, a frame of each stream in turn. */
  pump(): void {
    const { output } = this.#owner
    let unserved = 0
    for (const stream of this.#streams) {
      if (this.#owner.connectionCredit <= 0 || output.full || unserved > this.#streams.size) return
      const served = stream.pump()
      // A set is walked in the order of adding, so what is added again comes last.
      this.#streams.delete(stream)
      if (this.#waits(stream)) this.#streams.add(stream)
      unserved = served ? 0 : unserved + 1
      if (served && !stream.over) stream.receiver.onCredit()
    }
  }

  /** Sends what the windows take of one stream. */
  pumpOne(stream: Http2Stream): void {
    if (stream.queue === undefined) return
    while (stream.pump());
    if (!this.#waits(stream)) this.#streams.delete(stream)
  }

  /** Gives up the streams of which nothing has moved since tick `since`, and those there was no memory for. */
  reset(since: number): void {
    for (const stream of this.#streams) {
      if (stream.overloaded) {
        this.#owner.giveUp(stream, ErrorCode.ENHANCE_YOUR_CALM, 'too much waits for peers that do not keep up')
      } else if (stream.movedAt <= since) this.#owner.giveUp(stream, ErrorCode.CANCEL, 'the peer does not keep up')
    }
  }

  #waits(stream: Http2Stream): boolean {
    return !stream.over && (stream.queue !== undefined || stream.overloaded)
  }
}
