import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'

/**
 * Takes no more requests of a stream while a response waits to be sent on it: a client that reads no responses could otherwise have one
 * after the other made, and all of them kept. Its requests fill the flow control window of the stream and stay with the client then.
 */
export const readWhenSent: ServerInterceptor = (_, call) => new ReadWhenSent(call)

class ReadWhenSent extends ServerInterceptingCall {
  /** Streams of grpc-js send one message after the other. */
  #isSending = false
  #isReadHeld = false

  /** Asks for the next request, or for the end of the requests. */
  override startRead(): void {
    if (this.#isSending) this.#isReadHeld = true
    else super.startRead()
  }

  /** @param sent is called when HTTP/2 has passed the message on; not at all where the call ends before */
  override sendMessage(message: unknown, sent: () => void): void {
    this.#isSending = true
    super.sendMessage(message, () => {
      this.#isSending = false
      // Sends the next message if there is one.
      sent()
      if (this.#isSending || !this.#isReadHeld) return
      this.#isReadHeld = false
      super.startRead()
    })
  }
}
