import type { Balancer } from '../balancer/contract.js'
import type { Resolution } from '../discovery/resolution.js'
import { asFairleadError, type FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Clock } from '../runtime.js'
import type { RegistryReading } from './reading.js'

export interface FeedObserver {
  /** The balancer has taken over `snapshot`. */
  snapshot(snapshot: Snapshot): void
  /** The source is away; what was known last still counts. */
  stale(error: FairleadError): void
}

/** Keeps a balancer up to date with a service. */
export class ServiceFeed {
  /** The last snapshot; undefined until one is known. */
  snapshot: Snapshot | undefined
  stale = false
  /** Settles when the first word about the service, good or bad, has come. Rejects when the service cannot be resolved at all. */
  readonly first: Promise<void>
  readonly #clock: Clock
  /** When `snapshot` came, wall-clock milliseconds. */
  #changedAt: number | undefined
  /** Why there is no news, and since when (monotonic milliseconds). */
  #trouble: { readonly error: FairleadError; readonly since: number } | undefined

  /** Reads until `signal` aborts, which is expected to end the resolutions too. */
  constructor(
    resolutions: AsyncIterable<Resolution>,
    balancer: Balancer,
    observer: FeedObserver,
    clock: Clock,
    signal: AbortSignal,
  ) {
    this.#clock = clock
    this.first = new Promise((resolve, reject) => {
      void this.#run(resolutions, balancer, observer, resolve).then(resolve, (error: unknown) => {
        if (signal.aborted) return resolve()
        this.#trouble = { error: asFairleadError(error), since: clock.now() }
        observer.stale(this.#trouble.error)
        reject(this.#trouble.error)
      })
    })
  }

  /** What is known of the service, and how old that is. */
  read(): RegistryReading {
    const { snapshot } = this
    const trouble = this.#trouble
    return {
      revision: snapshot && String(snapshot.revision),
      changedAt: this.#changedAt,
      stale: trouble && { reason: trouble.error.message, forMs: Math.max(0, this.#clock.now() - trouble.since) },
    }
  }

  async #run(
    resolutions: AsyncIterable<Resolution>,
    balancer: Balancer,
    observer: FeedObserver,
    heard: () => void,
  ): Promise<void> {
    for await (const resolution of resolutions) {
      if (resolution.kind === 'snapshot') {
        this.snapshot = resolution.snapshot
        this.stale = false
        this.#changedAt = this.#clock.wall()
        this.#trouble = undefined
        balancer.update(resolution.snapshot)
        observer.snapshot(resolution.snapshot)
      } else {
        const { error, since } = resolution
        this.stale = true
        this.#trouble = { error, since }
        observer.stale(error)
      }
      heard()
    }
  }
}
