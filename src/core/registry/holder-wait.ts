import type { LeaseInfo, Store } from './store.js'

/** A lease is taken off a second or so after its end. */
const GRACE_MS = 1000
const POLL_MS = 300

/**
 * Waits out the lease of another registration: whoever holds an address and is dead stops renewing, and whoever is alive renews
 * before the lease ends. A registry that changes its leader prolongs every lease, which says nothing of the holder: then the wait
 * starts over.
 */
export class HolderWait {
  #lease: bigint | undefined
  #term = 0n
  #endsAt = 0

  /** Forgets what it was waiting for: a registry that was away extends its leases. */
  reset(): void {
    this.#lease = undefined
  }

  /**
   * One look at the lease. Returns after how many milliseconds to look again (0: the lease is gone), or `renewed`. `first` is
   * what is left of the lease when the wait for it starts.
   */
  async look(store: Store, lease: bigint, now: number): Promise<{ again: number; first?: LeaseInfo } | 'renewed'> {
    if (this.#lease === lease && now < this.#endsAt) return { again: this.#endsAt - now }
    const info = await store.leaseInfo(lease)
    if (!info) return { again: 0 }
    if (this.#lease === lease && this.#term === info.term) {
      return info.remainingSeconds > 0 ? 'renewed' : { again: POLL_MS }
    }
    this.#lease = lease
    this.#term = info.term
    const again = Math.max(0, info.remainingSeconds) * 1000 + GRACE_MS
    this.#endsAt = now + again
    return { again, first: info }
  }
}
