import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { isExcluded, weightsOf } from './candidates.js'
import { IndexHeap } from './index-heap.js'

/** Fewest requests in flight per weight, over all endpoints and never a sample; ties in turn. */
export const leastConnections: Policy<undefined> = {
  name: 'least_connections',
  share: 'weight',
  parseConfig: () => undefined,
  build(candidates, _config, _runtime, previous) {
    return new LeastConnectionsPicker(candidates, previous instanceof LeastConnectionsPicker ? previous : undefined)
  },
}

class LeastConnectionsPicker implements Picker {
  readonly #candidates: readonly Upstream[]
  readonly #weights: Float64Array
  readonly #indices: ReadonlyMap<Upstream, number>
  /** By in flight per weight, then by who was picked longest ago. */
  readonly #heap: IndexHeap
  #turn = 0

  constructor(candidates: readonly Upstream[], previous: LeastConnectionsPicker | undefined) {
    this.#candidates = candidates
    this.#weights = weightsOf(candidates)
    this.#indices = new Map(candidates.map((upstream, index) => [upstream, index]))
    this.#heap = new IndexHeap(candidates.length)
    this.#turn = previous ? previous.#turn : 0
    candidates.forEach((upstream, index) => {
      this.#heap.keys[index] = upstream.inFlight / this.#weights[index]!
      this.#heap.ties[index] = previous?.turnOf(upstream) ?? 0
      this.#heap.push(index)
    })
  }

  pick(request: PickRequest): Upstream | undefined {
    const index = request.exclude === undefined ? this.#heap.at(0)! : this.#leastFrom(0, request)
    if (index < 0) return undefined
    this.#heap.ties[index] = ++this.#turn
    this.#heap.moved(index)
    return this.#candidates[index]
  }

  loadChanged(upstream: Upstream): void {
    const index = this.#indices.get(upstream)
    if (index === undefined) return
    this.#heap.keys[index] = upstream.inFlight / this.#weights[index]!
    this.#heap.moved(index)
  }

  /** When the upstream was last picked; undefined when it is not a candidate here. */
  turnOf(upstream: Upstream): number | undefined {
    const index = this.#indices.get(upstream)
    return index === undefined ? undefined : this.#heap.ties[index]
  }

  /** The least index at or below a place of the heap that is not excluded, or -1. Goes below excluded ones only. */
  #leastFrom(place: number, request: PickRequest): number {
    const index = this.#heap.at(place)
    if (index === undefined) return -1
    if (!isExcluded(this.#candidates[index]!, request)) return index
    const left = this.#leastFrom(2 * place + 1, request)
    const right = this.#leastFrom(2 * place + 2, request)
    if (left < 0 || right < 0) return Math.max(left, right)
    return this.#heap.isLess(right, left) ? right : left
  }
}
