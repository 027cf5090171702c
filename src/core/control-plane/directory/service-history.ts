import type { HealthChange } from '../../health/monitor.js'
import type { Snapshot } from '../../model/snapshot.js'
import type { Clock } from '../../runtime.js'
import { LoadTotal } from '../client-load.js'
import { readTrouble, type Trouble } from './freshness.js'
import type { EndpointReading, RegistryReading } from './reading.js'

/** What became of a followed service, and when. */
export class ServiceHistory {
  /** Whether so few endpoints are healthy that all are used. */
  panic = false
  /** What its clients told of their requests. */
  readonly load = new LoadTotal()
  readonly #clock: Clock
  #revision: bigint | undefined
  #changedAt: number | undefined
  #toldAt: number | undefined
  #trouble: Trouble | undefined
  /** By the addresses that are checked. */
  readonly #faults = new Map<string, NonNullable<EndpointReading['fault']>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** When clients were last told something else, wall-clock milliseconds. */
  get toldAt(): number | undefined {
    return this.#toldAt
  }

  snapshot({ revision }: Snapshot): void {
    this.#revision = revision
    this.#changedAt = this.#clock.wall()
    this.#trouble = undefined
  }

  stale(trouble: Trouble): void {
    this.#trouble = trouble
  }

  told(): void {
    this.#toldAt = this.#clock.wall()
  }

  health(change: HealthChange): void {
    if (change.kind === 'panic') return void (this.panic = change.panic)
    const { address, health, reason } = change
    if (health === 'healthy') this.#faults.delete(address)
    else this.#faults.set(address, { reason, since: this.#clock.wall() })
  }

  fault(address: string): EndpointReading['fault'] {
    return this.#faults.get(address)
  }

  /** Forgets the health of addresses that are not checked any more. */
  checked({ endpoints }: Snapshot): void {
    if (this.#faults.size === 0) return
    const addresses = new Set(endpoints.map(({ address }) => address))
    for (const address of this.#faults.keys()) if (!addresses.has(address)) this.#faults.delete(address)
  }

  registry(): RegistryReading {
    return {
      revision: this.#revision === undefined ? undefined : String(this.#revision),
      changedAt: this.#changedAt,
      stale: readTrouble(this.#trouble, this.#clock.now()),
    }
  }
}
