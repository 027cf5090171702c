import type { RawRequest, RawResponse, RawStream } from './raw-etcd.js'

/** Reads a Watch stream to its end and keeps the events of each watch; how they were cut into messages is forgotten. */
export class WatchRecorder {
  /** By watch id: events in order, and `{ canceled }` with the compacted revision where the server ended the watch. */
  readonly events = new Map<string, unknown[]>()
  readonly #created: ((message: RawResponse) => void)[] = []

  constructor(private readonly stream: RawStream) {
    void this.#read()
  }

  /** Creates a watch and resolves with the server's confirmation. */
  create(request: RawRequest): Promise<RawResponse> {
    return new Promise((resolve) => {
      this.#created.push(resolve)
      this.stream.send({ create_request: request })
    })
  }

  close(): void {
    this.stream.close()
  }

  async #read(): Promise<void> {
    for (;;) {
      const message = await this.stream.next(Infinity).catch(() => undefined)
      if (!message) return
      if (message['created']) this.#created.shift()?.(message)
      else this.#record(message)
    }
  }

  #record(message: RawResponse): void {
    const id = message['watch_id'] as string
    const events = this.events.get(id) ?? []
    this.events.set(id, events)
    events.push(...(message['events'] as unknown[]))
    if (message['canceled']) events.push({ canceled: message['compact_revision'] })
  }
}
