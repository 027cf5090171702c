import type { ServedEndpoint, ServiceView } from '../directory/contract.js'

/**
 * A zone has enough usable endpoints while so many per cent of its own are: those left can take the load of the others. 1/1.4,
 * Envoy's overprovisioning factor, at which it begins to send requests to the next locality.
 */
const ENOUGH_PERCENT = 100 / 1.4

/**
 * The endpoints that a client in a zone is to use, in the view's order: the usable ones of its zone while enough of that is usable,
 * all usable ones otherwise. That too few of a service are healthy is the directory's to see, which then calls all of them usable.
 */
export function candidatesFor(view: ServiceView, zone: string | undefined): readonly ServedEndpoint[] {
  const usable = view.endpoints.filter(isUsable)
  if (zone === undefined) return usable
  const near = view.endpoints.filter((endpoint) => endpoint.zone === zone && endpoint.state !== 'draining')
  const nearUsable = near.filter(isUsable)
  const isEnough = nearUsable.length > 0 && nearUsable.length * 100 >= near.length * ENOUGH_PERCENT
  return isEnough ? nearUsable : usable
}

function isUsable({ state }: ServedEndpoint): boolean {
  return state === 'usable'
}
