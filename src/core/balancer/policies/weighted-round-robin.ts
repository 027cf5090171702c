import type { Picker, PickRequest, Policy } from '../policy.js'
import type { Upstream } from '../upstream.js'
import { SmoothOrder } from './smooth-order.js'

/** In turn, each endpoint in proportion to its weight, and never many picks of one in a row. */
export const weightedRoundRobin: Policy<undefined> = {
  name: 'weighted_round_robin',
  share: 'weight',
  parseConfig: () => undefined,
  build(candidates, _config, _runtime, previous) {
    const order = previous instanceof WeightedRoundRobinPicker ? previous.order : undefined
    return new WeightedRoundRobinPicker(new SmoothOrder(candidates, order))
  },
}

class WeightedRoundRobinPicker implements Picker {
  constructor(readonly order: SmoothOrder) {}

  pick(request: PickRequest): Upstream | undefined {
    return this.order.next(request)
  }
}
