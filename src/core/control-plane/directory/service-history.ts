import type { HealthChange } from '../../health/monitor.js'
import { RegistryAccount } from '../../discovery/registry-account.js'
import type { Snapshot } from '../../model/snapshot.js'
import type { Clock } from '../../runtime.js'
import { LoadTotal } from '../client-load.js'
import type { EndpointReading } from './reading.js'

/** What became of a followed service, and when. */
export class ServiceHistory {
  /** Whether so few endpoints are healthy that all are used. */
  panic = false
  /** What its clients told of their requests. */
  readonly load = new LoadTotal()
  /** What was heard of the service. */
  readonly account: RegistryAccount
  readonly #clock: Clock
  #toldAt: number | undefined
  /** By the addresses that are checked. */
  readonly #faults = new Map<string, NonNullable<EndpointReading['fault']>>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.account = new RegistryAccount(clock)
  }

  /** When clients were last told something else, wall-clock milliseconds. */
  get toldAt(): number | undefined {
    return this.#toldAt
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
}
