import type { Clock } from '../../runtime.js'
import type { NackReading, ReadableStream, StreamReading, SubscriptionReading } from '../reading.js'
import type { ResourceType } from './resource-type.js'
import type { Verdict } from './subscription.js'

/** Resources that are kept of a refused response; the reason mostly quotes the one that it is about. */
const MAX_RESOURCES = 5

/** What can be seen of one client's discovery stream. */
export class DiscoveryRecord implements ReadableStream {
  readonly #clock: Clock
  readonly #since: number
  #client: string
  #zone: string | undefined
  #subscriptions: () => readonly SubscriptionReading[] = () => []
  #lastNack: NackReading | undefined

  /** @param client what is known of it at first: its address */
  constructor(client: string, clock: Clock) {
    this.#client = client
    this.#clock = clock
    this.#since = clock.wall()
  }

  /** The client has said who it is, and may say what it wants. */
  identify(client: string, zone: string | undefined, subscriptions: () => readonly SubscriptionReading[]): void {
    this.#client = client
    this.#zone = zone
    this.#subscriptions = subscriptions
  }

  refused(type: ResourceType, { reason, resources }: Extract<Verdict, { kind: 'nack' }>): void {
    this.#lastNack = { at: this.#clock.wall(), type, reason, resources: resources.slice(0, MAX_RESOURCES) }
  }

  read(): StreamReading {
    return {
      ...{ client: this.#client, since: this.#since, zone: this.#zone },
      ...{ subscriptions: this.#subscriptions(), lastNack: this.#lastNack, load: [] },
    }
  }
}
