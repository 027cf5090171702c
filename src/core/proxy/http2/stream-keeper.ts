import type { HttpEnvironment } from '../http/environment.js'
import type { Broken } from '../http/stream.js'
import { Output } from '../transport/output.js'
import type { Wire } from '../transport/transport.js'
import { INITIAL_WINDOW } from './constants.js'
import { writeHeaders, writeReset } from './frame-writer.js'
import type { Http2Stream, StreamOwner } from './stream.js'
import { ResetIds, StreamTable } from './stream-table.js'
import { type WaitingOwner, WaitingStreams } from './waiting-streams.js'

/** The encoder's table: the peer assumes one, is to be told that there is none, or has been (RFC 7541 §4.2). */
type Table = 'assumed' | 'to be given up' | 'given up'

/** The streams of a connection and what leaves by them. */
export abstract class StreamKeeper implements StreamOwner, WaitingOwner {
  connectionCredit = INITIAL_WINDOW
  framesMoved = 0
  readonly output: Output
  protected readonly environment: HttpEnvironment
  protected readonly streams = new StreamTable<Http2Stream>()
  protected readonly resetIds = new ResetIds()
  protected readonly waiting = new WaitingStreams(this)
  #table: Table = 'assumed'

  constructor(wire: Wire, environment: HttpEnvironment) {
    this.environment = environment
    this.output = new Output(wire, environment.flusher)
  }

  get active(): number {
    return this.streams.size
  }

  get maxQueuedBytes(): number {
    return this.environment.limits.maxQueuedBytes
  }

  get now(): number {
    return this.environment.ticker.now
  }

  abstract localEnded(stream: Http2Stream): void
  /** A stream is over. */
  protected abstract streamClosed(): void

  writeHead(id: number, block: Buffer, length: number, extra: Buffer, end: boolean): void {
    const giveUpTable = this.#table === 'to be given up'
    if (giveUpTable) this.#table = 'given up'
    writeHeaders(this.output, id, block, length, extra, end, giveUpTable)
    this.output.commit()
  }

  waits(stream: Http2Stream): void {
    this.waiting.add(stream)
  }

  resetStream(stream: Http2Stream, code: number): void {
    this.writeReset(stream.id, code)
    this.forget(stream)
    this.streamClosed()
  }

  giveUp(stream: Http2Stream, code: number, reason: string): void {
    this.writeReset(stream.id, code)
    this.forget(stream)
    stream.broken(code, processed(stream), reason)
    this.streamClosed()
  }

  protected writeReset(id: number, code: number): void {
    writeReset(this.output, id, code)
    this.output.commit()
    this.resetIds.add(id)
  }

  /** The peer allows our encoder a smaller table than it began with: it does without. */
  protected giveUpTable(): void {
    if (this.#table === 'assumed') this.#table = 'to be given up'
  }

  /** Lets go of a stream without a word to anybody. */
  protected forget(stream: Http2Stream): void {
    this.streams.delete(stream)
    if (stream.queue !== undefined || stream.overloaded) this.waiting.delete(stream)
    stream.finish()
  }

  /** END_STREAM has come; whether that was the end of the stream, to be followed by `streamClosed`. */
  protected remoteEnds(stream: Http2Stream): boolean {
    stream.remoteEnded = true
    if (!stream.localEnded) return false
    this.forget(stream)
    return true
  }

  /** Breaks off every stream. */
  protected endStreams(code: number, reason: string): void {
    for (const stream of this.streams.all()) {
      if (stream.over) continue
      this.forget(stream)
      const unsent = stream.openedAt === this.output.writes
      stream.broken(code, unsent ? 'no' : processed(stream), reason)
    }
  }
}

/** Whether a request on a stream that ends early can have been acted on, once it has been sent. */
export function processed(stream: Http2Stream): Broken['processed'] {
  return stream.answered ? 'yes' : 'maybe'
}
