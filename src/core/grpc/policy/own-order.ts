import type { Endpoint } from '../../model/endpoint.js'
import type { Random } from '../../runtime.js'

/**
 * The order that one channel has its endpoints in: that of the list, but from an endpoint of its own on, the same at each update.
 * Policies that go in turn begin at the front: channels that all had the list as it is would all call the same endpoint first.
 */
export class OwnOrder {
  readonly #random: Random
  #from: string | undefined

  constructor(random: Random) {
    this.#random = random
  }

  of(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    this.#from ??= endpoints[Math.floor(this.#random.next() * endpoints.length)]?.address
    const start = endpoints.findIndex(({ address }) => address >= this.#from!)
    return start > 0 ? [...endpoints.slice(start), ...endpoints.slice(0, start)] : endpoints
  }
}
