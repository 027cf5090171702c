import type { Clock, Random } from '../../runtime.js'
import type { KeyName } from './key-range.js'
import type { LeaseBinding } from './mvcc-store.js'
import { refusal } from './status.js'

/** What etcd's default election timeout of 1 s makes of a shorter one: ceil(1.5 × 1 s). */
const MIN_LEASE_TTL_SECONDS = 2
/** etcd's MaxLeaseTTL. */
const MAX_LEASE_TTL_SECONDS = 9_000_000_000
/** How often etcd looks for leases that ran out. */
const EXPIRY_INTERVAL_MS = 500

interface Lease {
  readonly id: string
  readonly ttlSeconds: number
  /** On the runtime's monotonic clock. */
  expiresAt: number
  readonly keys: Set<KeyName>
}

export interface LeaseState {
  readonly grantedSeconds: number
  /** Whole seconds, rounded down. */
  readonly remainingSeconds: number
  /** In key order. */
  readonly keys: readonly Buffer[]
}

/**
 * Leases and the keys bound to them. A lease that ends, by revocation or because its time ran out, takes all its keys
 * with it in one revision of its own, in key order.
 */
export class LeaseTable implements LeaseBinding {
  readonly #leases = new Map<string, Lease>()
  #cancelTimer: (() => void) | undefined

  /** @param removeKeys removes the keys of a lease that ended, given in key order, in one transaction */
  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly removeKeys: (keys: readonly Buffer[]) => void,
  ) {}

  has(id: string): boolean {
    return this.#leases.has(id)
  }

  /** @param id '0' for one of the table's choice */
  grant(id: string, ttlSeconds: number): { readonly id: string; readonly ttlSeconds: number } {
    if (ttlSeconds > MAX_LEASE_TTL_SECONDS) throw refusal('leaseTtlTooLarge')
    if (this.#leases.has(id)) throw refusal('leaseExists')
    const lease: Lease = {
      id: id === '0' ? this.#freeId() : id,
      ttlSeconds: Math.max(ttlSeconds, MIN_LEASE_TTL_SECONDS),
      expiresAt: 0,
      keys: new Set(),
    }
    this.#renew(lease)
    this.#leases.set(lease.id, lease)
    this.#cancelTimer ??= this.clock.after(EXPIRY_INTERVAL_MS, this.#expire, { keepAlive: false })
    return lease
  }

  /** The TTL from now on in seconds, 0 if there is no such lease (any more). */
  keepAlive(id: string): number {
    const lease = this.#current(id)
    if (!lease) return 0
    this.#renew(lease)
    return lease.ttlSeconds
  }

  revoke(id: string): void {
    const lease = this.#leases.get(id)
    if (!lease) throw refusal('leaseNotFound')
    this.#end(lease)
  }

  state(id: string): LeaseState | undefined {
    const lease = this.#current(id)
    if (!lease) return undefined
    return {
      grantedSeconds: lease.ttlSeconds,
      remainingSeconds: Math.floor((lease.expiresAt - this.clock.now()) / 1000),
      keys: sortedKeys(lease),
    }
  }

  /** Every lease id, the one that ends first leading. */
  ids(): readonly string[] {
    return [...this.#leases.values()].sort((a, b) => a.expiresAt - b.expiresAt).map(({ id }) => id)
  }

  attach(id: string, name: KeyName): void {
    this.#leases.get(id)!.keys.add(name)
  }

  detach(id: string, name: KeyName): void {
    this.#leases.get(id)?.keys.delete(name)
  }

  /** Stops the expiry of leases. */
  close(): void {
    this.#cancelTimer?.()
    this.#leases.clear()
  }

  /** The lease of that id, unless its time is up: then it ends now. */
  #current(id: string): Lease | undefined {
    const lease = this.#leases.get(id)
    if (!lease || this.clock.now() < lease.expiresAt) return lease
    this.#end(lease)
    return undefined
  }

  #renew(lease: Lease): void {
    lease.expiresAt = this.clock.now() + lease.ttlSeconds * 1000
  }

  #end(lease: Lease): void {
    this.removeKeys(sortedKeys(lease))
    this.#leases.delete(lease.id)
  }

  readonly #expire = (): void => {
    this.#cancelTimer = undefined
    const now = this.clock.now()
    for (const lease of [...this.#leases.values()]) {
      if (lease.expiresAt <= now) this.#end(lease)
    }
    if (this.#leases.size > 0) {
      this.#cancelTimer = this.clock.after(EXPIRY_INTERVAL_MS, this.#expire, { keepAlive: false })
    }
  }

  /** A positive 63-bit integer that is not taken. */
  #freeId(): string {
    for (;;) {
      const high = BigInt(Math.floor(this.random.next() * 2 ** 31))
      const low = BigInt(Math.floor(this.random.next() * 2 ** 32))
      const id = ((high << 32n) | low).toString()
      if (id !== '0' && !this.#leases.has(id)) return id
    }
  }
}

function sortedKeys(lease: Lease): Buffer[] {
  return [...lease.keys].sort().map((name) => Buffer.from(name, 'latin1'))
}
