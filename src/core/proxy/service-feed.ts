import type { Balancer } from '../balancer/contract.js'
import { RegistryAccount, type RegistryReading } from '../discovery/registry-account.js'
import type { Resolution } from '../discovery/resolution.js'
import { asFairleadError, type FairleadError } from '../errors.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Clock } from '../runtime.js'

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
  readonly #account: RegistryAccount

  /** Reads until `signal` aborts, which is expected to end the resolutions too. */
  constructor(
    resolutions: AsyncIterable<Resolution>,
    balancer: Balancer,
    observer: FeedObserver,
    clock: Clock,
    signal: AbortSignal,
  ) {
    this.#account = new RegistryAccount(clock)
    this.first = new Promise((resolve, reject) => {
      void this.#run(resolutions, balancer, observer, resolve).then(resolve, (error: unknown) => {
        if (signal.aborted) return resolve()
        const trouble = { error: asFairleadError(error), since: clock.now() }
        this.#account.lost(trouble)
        observer.stale(trouble.error)
        reject(trouble.error)
      })
    })
  }

  /** What is known of the service, and how old that is. */
  read(): RegistryReading {
    return this.#account.read()
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
        this.#account.heard(resolution.snapshot.revision)
        balancer.update(resolution.snapshot)
        observer.snapshot(resolution.snapshot)
      } else {
        this.stale = true
        this.#account.lost(resolution)
        observer.stale(resolution.error)
      }
      heard()
    }
  }
}
