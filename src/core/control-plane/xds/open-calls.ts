import { type ServerDuplexStream, status } from '@grpc/grpc-js'

type Call = ServerDuplexStream<never, never>

/** The streams that are open, each with what is to be done when it ends. */
export class OpenCalls {
  readonly #calls = new Map<Call, () => void>()
  #closed = false

  /**
   * Has `onEnd` called once when the stream ends, from whichever side. False, and the stream is ended, where no more are taken.
   */
  add<Request, Response>(stream: ServerDuplexStream<Request, Response>, onEnd: () => void): boolean {
    const call = stream as unknown as Call
    call.on('error', () => this.#over(call))
    if (this.#closed) {
      this.end(stream, status.UNAVAILABLE, ENDS)
      return false
    }
    this.#calls.set(call, onEnd)
    call.on('end', () => {
      this.#over(call)
      call.end()
    })
    call.on('cancelled', () => this.#over(call))
    return true
  }

  /** Ends a stream with a status. */
  end<Request, Response>(stream: ServerDuplexStream<Request, Response>, code: status, details: string): void {
    this.#over(stream as unknown as Call)
    stream.emit('error', { code, details })
  }

  /** Ends all streams: their clients go on with what they know and come back. Idempotent. */
  close(): void {
    this.#closed = true
    for (const call of [...this.#calls.keys()]) this.end(call, status.UNAVAILABLE, ENDS)
  }

  #over(call: Call): void {
    const onEnd = this.#calls.get(call)
    if (!this.#calls.delete(call)) return
    onEnd?.()
  }
}

const ENDS = 'this control plane ends'
