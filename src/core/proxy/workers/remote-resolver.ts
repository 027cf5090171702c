import type { DataPlaneResolver } from '../../discovery/data-plane-resolver.js'
import { LatestResolution } from '../../discovery/latest.js'
import type { Resolution } from '../../discovery/resolution.js'
import type { FairleadError } from '../../errors.js'
import { asFairleadError } from '../../errors.js'
import type { Clock } from '../../runtime.js'
import { decodeResolution, type FromWorker, type SentResolution } from './messages.js'

/** What is known of one service in this process, and who reads it. */
interface Feed {
  readonly readers: Set<Reader>
  /** What a reader that comes later begins with: the last snapshot, and that it is stale. */
  snapshot: Resolution | undefined
  stale: Resolution | undefined
}

interface Reader {
  readonly latest: LatestResolution
  fail(error: FairleadError): void
}

/** A resolver of a worker: the primary watches the registry and sends what it finds. */
export class RemoteResolver implements DataPlaneResolver {
  readonly #feeds = new Map<string, Feed>()
  readonly #send: (message: FromWorker) => void
  readonly #clock: Clock

  constructor(send: (message: FromWorker) => void, clock: Clock) {
    this.#send = send
    this.#clock = clock
  }

  async *resolve(service: string, signal: AbortSignal): AsyncGenerator<Resolution, void, undefined> {
    const failed = new AbortController()
    const latest = new LatestResolution()
    const reader: Reader = { latest, fail: (error) => failed.abort(error) }
    const feed = this.#join(service, reader)
    try {
      if (feed.snapshot) latest.offer(feed.snapshot)
      if (feed.stale) latest.offer(feed.stale)
      yield* latest.read(AbortSignal.any([signal, failed.signal]))
      if (!signal.aborted) failed.signal.throwIfAborted()
    } finally {
      feed.readers.delete(reader)
      if (feed.readers.size === 0) {
        this.#feeds.delete(service)
        this.#send({ type: 'release', service })
      }
    }
  }

  disprove(service: string, address: string): void {
    this.#send({ type: 'disprove', service, address })
  }

  /** Takes what the primary sent. What is of no service that is read here is dropped; what cannot be read is its readers' error. */
  receive(service: string, sent: SentResolution): void {
    const feed = this.#feeds.get(service)
    if (!feed) return
    try {
      const resolution = decodeResolution(service, sent, this.#clock)
      if (resolution.kind === 'snapshot') feed.snapshot = resolution
      feed.stale = resolution.kind === 'stale' ? resolution : undefined
      for (const { latest } of feed.readers) latest.offer(resolution)
    } catch (error) {
      for (const reader of feed.readers) reader.fail(asFairleadError(error))
    }
  }

  #join(service: string, reader: Reader): Feed {
    const known = this.#feeds.get(service)
    const feed: Feed = known ?? { readers: new Set(), snapshot: undefined, stale: undefined }
    feed.readers.add(reader)
    if (!known) {
      this.#feeds.set(service, feed)
      this.#send({ type: 'resolve', service })
    }
    return feed
  }
}
