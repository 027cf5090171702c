import type { FairleadError } from '../errors.js'
import type { Runtime } from '../runtime.js'
import { HighWater } from './high-water.js'
import { KeepAliveChannel } from './keepalive-channel.js'
import { LeaseKeeper, type LeaseView } from './lease-keeper.js'
import type { Store, StoreHeader } from './store.js'

/**
 * How many records share a lease. A lease that is lost takes all its records with it in one revision, so it should not be many;
 * each lease costs a keepalive per third of its TTL, so it should not be few.
 */
export const RECORDS_PER_LEASE = 64

/** A record's share in a lease. */
export interface LeaseShare {
  /** Undefined while there is none. */
  readonly current: LeaseView | undefined
  /** Why there is none, if granting one failed. */
  readonly error: FairleadError | undefined
  /** Whether it is kept for other records as well. Asked before `release`. */
  readonly isShared: boolean
  /** Tells that the registry denied knowing the lease. */
  reportGone(id: bigint): void
  /**
   * To be called when a call about a record of the lease begins, and what it returns with the header of the answer. When the registry went
   * back, another lease takes the place of this one: what was removed from it may be back on it, and would stay while it is renewed.
   */
  beginCall(): (header: StoreHeader) => void
  /** Gives the share back; the lease is revoked with the last one. Resolves when that was tried. Idempotent. */
  release(): Promise<void>
}

interface Pooled {
  readonly keeper: LeaseKeeper
  readonly ttlSeconds: number
  readonly listeners: Set<() => void>
  readonly highWater: HighWater
}

/** Gives records shares in leases, a bounded number of records per lease and one keepalive stream for all. */
export class LeasePool {
  readonly #store: Store
  readonly #runtime: Runtime
  readonly #channel: KeepAliveChannel
  readonly #leases = new Set<Pooled>()

  constructor(store: Store, runtime: Runtime) {
    this.#store = store
    this.#runtime = runtime
    this.#channel = new KeepAliveChannel(store, runtime)
  }

  /** @param onChange called when the lease was granted, became uncertain, certain again or was lost, and when granting failed. */
  share(ttlSeconds: number, onChange: () => void): LeaseShare {
    const pooled = this.#withRoom(ttlSeconds) ?? this.#add(ttlSeconds)
    pooled.listeners.add(onChange)
    const { keeper, highWater } = pooled
    return {
      get current() {
        return keeper.current
      },
      get error() {
        return keeper.lastError
      },
      get isShared() {
        return pooled.listeners.size > 1
      },
      beginCall: () => {
        const lease = keeper.current?.id
        const answered = highWater.begin()
        return (header) => {
          if (answered(header) && lease !== undefined) keeper.reportGone(lease)
        }
      },
      reportGone: (id) => keeper.reportGone(id),
      release: async () => {
        pooled.listeners.delete(onChange)
        if (pooled.listeners.size > 0) return
        this.#leases.delete(pooled)
        await keeper.stop()
      },
    }
  }

  #withRoom(ttlSeconds: number): Pooled | undefined {
    for (const pooled of this.#leases) {
      if (pooled.ttlSeconds === ttlSeconds && pooled.listeners.size < RECORDS_PER_LEASE) return pooled
    }
    return undefined
  }

  #add(ttlSeconds: number): Pooled {
    const listeners = new Set<() => void>()
    const keeper = new LeaseKeeper(this.#store, this.#channel, ttlSeconds, this.#runtime, () => {
      for (const listener of [...listeners]) listener()
    })
    const pooled = { keeper, ttlSeconds, listeners, highWater: new HighWater() }
    this.#leases.add(pooled)
    keeper.start()
    return pooled
  }
}
