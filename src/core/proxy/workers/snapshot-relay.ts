import type { DataPlaneResolver } from '../../discovery/data-plane-resolver.js'
import type { Runtime } from '../../runtime.js'
import { encodeError, encodeResolution, type SentResolution } from './messages.js'

/** Sends one resolution on. `sent` is to be called when the next one can follow. */
export type Deliver = (resolution: SentResolution, sent: () => void) => void

/** One service that is watched, for however many processes. */
interface Watched {
  readonly end: AbortController
  readonly receivers: Set<Receiver>
  /** What a receiver that comes later begins with. */
  snapshot: SentResolution | undefined
  /** What came after that snapshot: that it is stale, or cannot be had. */
  trouble: SentResolution | undefined
}

/** Watches each service once in the primary and hands what it finds to every worker that wants to know. */
export class SnapshotRelay {
  readonly #resolver: DataPlaneResolver
  readonly #runtime: Runtime
  readonly #watched = new Map<string, Watched>()

  constructor(resolver: DataPlaneResolver, runtime: Runtime) {
    this.#resolver = resolver
    this.#runtime = runtime
  }

  /** Delivers what is known of a service, and every change, until the returned function is called. */
  subscribe(service: string, deliver: Deliver): () => void {
    const watched = this.#watched.get(service) ?? this.#watch(service)
    const receiver = new Receiver(deliver)
    watched.receivers.add(receiver)
    if (watched.snapshot) receiver.offer(watched.snapshot)
    if (watched.trouble) receiver.offer(watched.trouble)
    return () => {
      watched.receivers.delete(receiver)
      if (watched.receivers.size > 0 || this.#watched.get(service) !== watched) return
      this.#watched.delete(service)
      watched.end.abort()
    }
  }

  disprove(service: string, address: string): void {
    this.#resolver.disprove(service, address)
  }

  #watch(service: string): Watched {
    const watched: Watched = {
      end: new AbortController(),
      receivers: new Set(),
      snapshot: undefined,
      trouble: undefined,
    }
    this.#watched.set(service, watched)
    void this.#run(service, watched).catch((error: unknown) => {
      if (!watched.end.signal.aborted) publish(watched, { kind: 'failed', error: encodeError(error) })
    })
    return watched
  }

  async #run(service: string, watched: Watched): Promise<void> {
    for await (const resolution of this.#resolver.resolve(service, watched.end.signal)) {
      publish(watched, encodeResolution(resolution, this.#runtime.clock))
    }
  }
}

function publish(watched: Watched, resolution: SentResolution): void {
  if (resolution.kind === 'snapshot') watched.snapshot = resolution
  watched.trouble = resolution.kind === 'snapshot' ? undefined : resolution
  for (const receiver of watched.receivers) receiver.offer(resolution)
}

/** One process's view of a service: while it is slow to take one message, only the latest waits. */
class Receiver {
  readonly #deliver: Deliver
  #snapshot: SentResolution | undefined
  #trouble: SentResolution | undefined
  #sending = false

  constructor(deliver: Deliver) {
    this.#deliver = deliver
  }

  offer(resolution: SentResolution): void {
    if (resolution.kind === 'snapshot') {
      this.#snapshot = resolution
      this.#trouble = undefined
    } else {
      this.#trouble = resolution
    }
    this.#next()
  }

  /** The snapshot before the trouble: that is the order they came in. */
  #next(): void {
    if (this.#sending) return
    const resolution = this.#snapshot ?? this.#trouble
    if (!resolution) return
    if (resolution === this.#snapshot) this.#snapshot = undefined
    else this.#trouble = undefined
    this.#sending = true
    this.#deliver(resolution, () => {
      this.#sending = false
      this.#next()
    })
  }
}
