import type { RegistryEvent } from '../../discovery/registry-event.js'
import { compareText } from '../../model/order.js'
import type { Clock } from '../../runtime.js'
import { Spacing } from './spacing.js'

/** The least time between two lists of names, milliseconds. */
const SPACING_MS = 10

/** Keeps the names of all services with a record, by the events of the whole registry. */
export class ServiceNames {
  /** The addresses of each service. */
  #services = new Map<string, Set<string>>()
  #names: readonly string[] | undefined
  readonly #observers = new Set<(names: readonly string[]) => void>()
  readonly #spacing: Spacing

  constructor(clock: Clock) {
    this.#spacing = new Spacing(SPACING_MS, clock, () => this.#publish())
  }

  /** Whether a service without a record can be told from one that nothing is known of. */
  get areKnown(): boolean {
    return this.#names !== undefined
  }

  /** Whether a service is known to have a record. */
  has(service: string): boolean {
    return this.#services.has(service)
  }

  /** Calls `observer` with the names now, if they are known, and when they have changed. Returns what ends it. */
  follow(observer: (names: readonly string[]) => void): () => void {
    // Of its own, so that two followers with one function are two.
    const own = (names: readonly string[]) => observer(names)
    this.#observers.add(own)
    if (this.#names) own(this.#names)
    return () => void this.#observers.delete(own)
  }

  /** Goes by names from elsewhere, if there are any, for as long as the registry has not told which there are. */
  assume(services: readonly string[]): void {
    if (this.#names || services.length === 0) return
    this.#services = new Map(services.map((service) => [service, new Set()]))
    this.#spacing.touch()
  }

  take(event: Extract<RegistryEvent, { type: 'snapshot' | 'put' | 'delete' }>): void {
    if (event.type === 'snapshot') {
      this.#services = new Map(
        event.services
          .filter(({ records }) => records.length > 0)
          .map(({ service, records }) => [service, new Set(records.map(({ endpoint }) => endpoint.address))]),
      )
    } else {
      const { service, record } = event
      const addresses = this.#services.get(service)
      if (event.type === 'put') this.#services.set(service, (addresses ?? new Set()).add(record.endpoint.address))
      else if (addresses?.delete(record.endpoint.address) && addresses.size === 0) this.#services.delete(service)
    }
    this.#spacing.touch()
  }

  close(): void {
    this.#spacing.close()
    this.#observers.clear()
  }

  #publish(): void {
    const names = [...this.#services.keys()].sort(compareText)
    const before = this.#names
    if (before?.length === names.length && before.every((name, i) => name === names[i])) return
    this.#names = Object.freeze(names)
    for (const observer of [...this.#observers]) if (this.#observers.has(observer)) observer(this.#names)
  }
}
