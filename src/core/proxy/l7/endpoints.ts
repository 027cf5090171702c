import type { Endpoint } from '../../model/endpoint.js'
import type { Snapshot } from '../../model/snapshot.js'
import { guardedMeter, type ServiceContext } from '../service/context.js'
import { HttpEndpoint } from './endpoint.js'
import type { PoolContext } from './upstream-pool.js'

/** The endpoints of one listener that requests were sent to. */
export class HttpEndpoints {
  readonly #context: ServiceContext
  readonly #pools: PoolContext
  readonly #known = new Map<string, HttpEndpoint>()
  /** Out of the service, with connections that may still be in use. */
  readonly #leaving = new Set<HttpEndpoint>()

  constructor(context: ServiceContext, pools: PoolContext) {
    this.#context = context
    this.#pools = pools
  }

  of(endpoint: Endpoint): HttpEndpoint {
    const known = this.#known.get(endpoint.address)
    if (known) return known
    const added = new HttpEndpoint(endpoint, this.#context.meter.endpoint(endpoint.address), this.#pools)
    this.#known.set(endpoint.address, added)
    return added
  }

  /** Why the endpoint must not be connected to, or undefined. */
  refusal(endpoint: Endpoint, { meter }: HttpEndpoint): string | undefined {
    if (meter.judgedAt === this.#context.guard.version) return meter.refusal
    return guardedMeter(this.#context, endpoint).refusal
  }

  /** Takes over what a newer snapshot says; the connections of endpoints that left come to their end. */
  update(snapshot: Snapshot): void {
    const current = new Map(snapshot.endpoints.map((endpoint) => [endpoint.address, endpoint]))
    for (const left of this.#leaving) if (left.isIdle) this.#leaving.delete(left)
    for (const [address, known] of this.#known) {
      const endpoint = current.get(address)
      if (endpoint) {
        known.replace(endpoint)
        continue
      }
      this.#known.delete(address)
      this.#leaving.add(known)
      known.drain()
    }
  }

  abort(): void {
    for (const endpoint of [...this.#known.values(), ...this.#leaving]) endpoint.abort()
  }
}
