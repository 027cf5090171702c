import type { Clock } from '../../runtime.js'
import { type ClientLoad, LoadTotal } from '../client-load.js'
import type { ReadableStream, StreamReading } from '../reading.js'

/** Services of one stream whose load is counted here: clients may make names up. */
const MAX_SERVICES = 100

/** What can be seen of one client's stream of load reports. */
export class LoadRecord implements ReadableStream {
  readonly #since: number
  readonly #load = new Map<string, LoadTotal>()

  /** @param client what is known of it at first: its address */
  constructor(
    public client: string,
    clock: Clock,
  ) {
    this.#since = clock.wall()
  }

  add(service: string, load: ClientLoad): void {
    let total = this.#load.get(service)
    if (!total) {
      if (this.#load.size >= MAX_SERVICES) return
      this.#load.set(service, (total = new LoadTotal()))
    }
    total.add(load)
  }

  read(): StreamReading {
    const load = Array.from(this.#load, ([service, total]) => [service, total.read()] as const)
    return {
      ...{ client: this.client, since: this.#since, zone: undefined },
      ...{ subscriptions: [], lastNack: undefined, load },
    }
  }
}
