import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { EvenOrder } from './even-order.js'
import { SmoothOrder } from './smooth-order.js'

/** Up to this many endpoints nginx's order is kept; it costs a look at each of them for every pick. */
const SMOOTH_LIMIT = 128

/** In turn, each endpoint in proportion to its weight and spread as evenly as can be. */
export const weightedRoundRobin: Policy<undefined> = {
  name: 'weighted_round_robin',
  share: 'weight',
  parseConfig: () => undefined,
  build(candidates, _config, _runtime, previous) {
    const order = previous instanceof WeightedRoundRobinPicker ? previous.order : undefined
    if (candidates.length <= SMOOTH_LIMIT) {
      return new WeightedRoundRobinPicker(new SmoothOrder(candidates, order instanceof SmoothOrder ? order : undefined))
    }
    return new WeightedRoundRobinPicker(new EvenOrder(candidates, order instanceof EvenOrder ? order : undefined))
  },
}

class WeightedRoundRobinPicker implements Picker {
  constructor(readonly order: SmoothOrder | EvenOrder) {}

  pick(request: PickRequest): Upstream | undefined {
    return this.order.next(request)
  }
}
