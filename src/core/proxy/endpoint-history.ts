import type { Fault } from '../balancer/upstream.js'
import type { HealthChange } from '../health/monitor.js'
import type { EndpointState } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import type { Clock } from '../runtime.js'

/** What became of one endpoint, and when. Times are wall-clock milliseconds. */
export interface EndpointRecord {
  readonly id: string
  state: EndpointState | 'gone'
  stateSince: number
  health: Fault | 'healthy'
  healthSince: number
  healthReason: string
  ejections: number
}

/**
 * Since when the endpoints of one listener are as they are. Holds those of the last snapshot, and those that are still
 * in use.
 */
export class EndpointHistory {
  /** How often any endpoint was taken out. */
  ejections = 0
  readonly #clock: Clock
  readonly #records = new Map<string, EndpointRecord>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(address: string): EndpointRecord | undefined {
    return this.#records.get(address)
  }

  /** `isUsed`: whether something is still under way to an address that has left. */
  snapshot(snapshot: Snapshot, isUsed: (address: string) => boolean): void {
    const now = this.#clock.wall()
    const current = new Set<string>()
    for (const { address, id, state } of snapshot.endpoints) {
      current.add(address)
      const known = this.#records.get(address)
      if (known === undefined || known.id !== id || known.state === 'gone') {
        this.#records.set(address, fresh(id, state, now))
      } else if (known.state !== state) {
        known.state = state
        known.stateSince = now
        if (state === 'maint') restore(known, now)
      }
    }
    for (const [address, record] of this.#records) {
      if (current.has(address)) continue
      if (!isUsed(address)) this.#records.delete(address)
      else if (record.state !== 'gone') {
        record.state = 'gone'
        record.stateSince = now
        restore(record, now)
      }
    }
  }

  health(change: HealthChange): void {
    if (change.kind !== 'endpoint') return
    const ejected = change.health === 'ejected' ? 1 : 0
    this.ejections += ejected
    const record = this.#records.get(change.address)
    if (record === undefined) return
    record.health = change.health
    record.healthSince = this.#clock.wall()
    record.healthReason = change.reason
    record.ejections += ejected
  }
}

function fresh(id: string, state: EndpointState, now: number): EndpointRecord {
  return {
    id,
    state,
    stateSince: now,
    health: 'healthy',
    healthSince: now,
    healthReason: '',
    ejections: 0,
  }
}

/** Nobody watches over it any more: what was found out is forgotten. */
function restore(record: EndpointRecord, now: number): void {
  if (record.health === 'healthy') return
  record.health = 'healthy'
  record.healthSince = now
  record.healthReason = ''
}
