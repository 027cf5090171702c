import { LoadTable } from '../../balancer/load-table.js'
import { EvenOrder } from '../../balancer/policies/even-order.js'
import { SmoothOrder } from '../../balancer/policies/smooth-order.js'
import { Upstream } from '../../balancer/upstream.js'

/** Up to this many endpoints nginx's order is laid out, as `weighted_round_robin` picks. */
const SMOOTH_LIMIT = 128

/**
 * The items, each as often as `counts` says, in the order in which `weighted_round_robin` would pick them: one item's places lie
 * as evenly apart as can be.
 */
export function interleave<Item>(items: readonly Item[], counts: readonly number[]): readonly Item[] {
  if (counts.every((count) => count === counts[0])) return repeat(items, counts[0] ?? 0)
  const loads = new LoadTable()
  const places = new Map(items.map((item, i) => [placeholder(i, counts[i]!, loads), item]))
  const upstreams = [...places.keys()]
  const order = upstreams.length <= SMOOTH_LIMIT ? new SmoothOrder(upstreams) : new EvenOrder(upstreams)
  const total = counts.reduce((sum, count) => sum + count, 0)
  return Array.from({ length: total }, () => places.get(order.next({})!)!)
}

function repeat<Item>(items: readonly Item[], times: number): readonly Item[] {
  return times === 1 ? items : Array.from({ length: times }, () => items).flat()
}

/** What the orders of the balancer choose among. They look at the weight only. */
function placeholder(index: number, weight: number, loads: LoadTable): Upstream {
  const address = String(index)
  const rest = { host: '', port: 0, state: 'ready', role: 'server', meta: {} } as const
  return new Upstream({ id: address, address, weight, ...rest }, loads)
}
