import { DEFAULT_PANIC_PERCENT } from '../../balancer/health.js'
import type { ServedEndpoint, ServiceView } from '../directory/contract.js'

/**
 * A zone has enough usable endpoints while so many per cent of its own are: those left can take the load of the others. 1/1.4,
 * Envoy's overprovisioning factor, at which it begins to send requests to the next locality.
 */
const ENOUGH_PERCENT = 100 / 1.4

/**
 * The endpoints that a client in a zone is to use, in the view's order. What drains is never among them. Where less than half of
 * the others are healthy, all are used, whatever their zone, since the few would only break under the load of all. Else the client
 * stays in its zone while enough of that is usable, and uses every zone otherwise.
 */
export function candidatesFor(view: ServiceView, zone: string | undefined): readonly ServedEndpoint[] {
  const taking = view.endpoints.filter(({ state }) => state !== 'draining')
  const usable = taking.filter(isUsable)
  if (usable.length * 100 < taking.length * DEFAULT_PANIC_PERCENT) return taking
  if (zone === undefined) return usable
  const near = taking.filter((endpoint) => endpoint.zone === zone)
  const nearUsable = near.filter(isUsable)
  const enough = nearUsable.length > 0 && nearUsable.length * 100 >= near.length * ENOUGH_PERCENT
  return enough ? nearUsable : usable
}

function isUsable({ state }: ServedEndpoint): boolean {
  return state === 'usable'
}
