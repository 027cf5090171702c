import type { UpstreamStatus } from '../../balancer/contract.js'
import { isUsable, type Verdict } from '../../balancer/eligibility.js'
import type { Upstream } from '../../balancer/upstream.js'
import type { ServedEndpoint } from './contract.js'
import type { DialableEndpoint } from './dialable.js'

/** Weights by load are told anew when they have changed by more than this share: every client hears of each change. */
const LOAD_WEIGHT_STEP = 0.05

interface Served {
  readonly endpoint: DialableEndpoint
  readonly served: ServedEndpoint
}

/** What a balancer says about its endpoints, as clients should see it. Endpoints that stay the same keep their identity. */
export class ServedEndpoints {
  #known = new Map<Upstream, Served>()
  #list: readonly ServedEndpoint[] = Object.freeze([])

  /** In the order of `upstreams`; the list given before if nothing in it changed. */
  of(upstreams: readonly UpstreamStatus[]): readonly ServedEndpoint[] {
    const known = new Map<Upstream, Served>()
    const list: ServedEndpoint[] = []
    for (const { upstream, verdict } of upstreams) {
      const state = stateOf(verdict)
      if (state === undefined) continue
      const one = this.#serve(upstream, state)
      known.set(upstream, one)
      list.push(one.served)
    }
    this.#known = known
    if (list.length !== this.#list.length || list.some((served, i) => served !== this.#list[i])) {
      this.#list = Object.freeze(list)
    }
    return this.#list
  }

  #serve(upstream: Upstream, state: ServedEndpoint['state']): Served {
    const endpoint: DialableEndpoint = upstream.endpoint
    const before = this.#known.get(upstream)
    const weight = weightOf(upstream, before?.served.weight)
    if (before?.endpoint === endpoint && before.served.weight === weight && before.served.state === state) return before
    const { id, host, port, zone, meta, address, registered = address } = endpoint
    return { endpoint, served: Object.freeze({ id, ip: host, port, address: registered, zone, weight, state, meta }) }
  }
}

/** Undefined: not served. */
function stateOf(verdict: Verdict): ServedEndpoint['state'] | undefined {
  if (isUsable(verdict)) return 'usable'
  if (verdict === 'drain') return 'draining'
  return verdict === 'unhealthy' || verdict === 'ejected' ? 'unhealthy' : undefined
}

function weightOf({ weight, loadWeight }: Upstream, before: number | undefined): number {
  if (loadWeight > 0 && before !== undefined && Math.abs(weight - before) <= before * LOAD_WEIGHT_STEP) return before
  // Where the registry says 0 of all that there is, all are alike.
  return Math.max(1, weight)
}
