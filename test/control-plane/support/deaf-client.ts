import { setTimeout as pause } from 'node:timers/promises'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'

/** A gRPC client that sends messages on one stream, and leaves in the flow control window what it is answered until it is told to read. */
export class DeafClient {
  /** How many messages have gone out: the others wait for the server to take more. */
  taken = 0
  /** The status of the stream, once it has ended. */
  status: number | undefined
  readonly #session: ClientHttp2Session
  readonly #stream: ClientHttp2Stream
  #sending = Promise.resolve()

  constructor(address: string, path: string) {
    this.#session = connect(`http://${address}`)
    this.#stream = this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      'te': 'trailers',
    })
    this.#stream.on('trailers', (trailers) => (this.status = Number(trailers['grpc-status'])))
    this.#stream.on('error', () => undefined)
  }

  send(message: Buffer): void {
    const head = Buffer.alloc(5)
    head.writeUInt32BE(message.length, 1)
    const bytes = Buffer.concat([head, message])
    // One after the other: HTTP/2 of Node tells of many that it is given at once when all of them have gone out.
    this.#sending = this.#sending.then(() => this.#write(bytes))
  }

  /** Resolves when the server has taken some and takes no more, with how many it took. */
  async stalled(): Promise<number> {
    for (let before = -1; before !== this.taken || this.taken === 0; await pause(500)) before = this.taken
    return this.taken
  }

  /** Reads, from now on. */
  listen(): void {
    this.#stream.resume()
  }

  /** Sends nothing after what was sent. */
  end(): void {
    this.#sending = this.#sending.then(() => void this.#stream.end())
  }

  /** Resets the stream, and leaves the connection open. */
  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  close(): void {
    this.#session.destroy()
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.write(bytes, (error) => {
        if (!error) this.taken++
        resolve()
      })
    })
  }
}
