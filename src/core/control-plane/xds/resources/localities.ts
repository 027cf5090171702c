import { compareText } from '../../../model/order.js'
import type { ServedEndpoint } from '../../directory/contract.js'

/**
 * By what endpoints are put into localities, their zone aside. `zone`: nothing more. `weight`: each weight has its own. `endpoint`: each
 * endpoint has its own. `all`: not even zones are told apart. `first`: as `zone`, and the first usable endpoint comes before all others.
 */
export type LocalityForm = 'zone' | 'weight' | 'endpoint' | 'all' | 'first'

export interface Locality {
  readonly zone: string
  readonly subZone: string
  /** 0 is the highest; none is left out. */
  readonly priority: number
  /** What its usable endpoints weigh together, at least 1. Of one that is alone at its priority it says nothing. */
  readonly weight: number
  /** Never empty. */
  readonly endpoints: readonly ServedEndpoint[]
}

/**
 * A client's own zone comes first, as long as an endpoint of it is usable, and all others after it. An endpoint keeps its locality
 * whatever becomes of its state: clients connect anew to one that changes over to another locality.
 */
export function localitiesOf(
  endpoints: readonly ServedEndpoint[],
  form: LocalityForm,
  zone: string | undefined,
): Locality[] {
  return priorities(endpoints, form, zone).flatMap((members, priority) => {
    const common = commonZone(members)
    const groups = new Map<string, { zone: string; subZone: string; endpoints: ServedEndpoint[] }>()
    for (const endpoint of members) {
      const zone = form === 'all' ? common : (endpoint.zone ?? '')
      const subZone = subZoneOf(endpoint, form)
      const key = `${zone}\n${subZone}`
      const group = groups.get(key)
      if (group) group.endpoints.push(endpoint)
      else groups.set(key, { zone, subZone, endpoints: [endpoint] })
    }
    return [...groups.entries()]
      .sort(([a], [b]) => compareText(a, b))
      .map(([, group]) => ({ ...group, priority, weight: form === 'all' ? 1 : weightOf(group.endpoints) }))
  })
}

function priorities(
  endpoints: readonly ServedEndpoint[],
  form: LocalityForm,
  zone: string | undefined,
): (readonly ServedEndpoint[])[] {
  const isNear = (endpoint: ServedEndpoint) => endpoint.zone === zone
  const byZone =
    zone !== undefined && endpoints.some((endpoint) => isNear(endpoint) && isUsable(endpoint))
      ? [endpoints.filter(isNear), endpoints.filter((endpoint) => !isNear(endpoint))]
      : [endpoints]
  const lists = form === 'first' ? byZone.flatMap(firstApart) : byZone
  return lists.filter(({ length }) => length > 0)
}

function firstApart(endpoints: readonly ServedEndpoint[]): (readonly ServedEndpoint[])[] {
  const first = endpoints.find(isUsable)
  return first ? [[first], endpoints.filter((endpoint) => endpoint !== first)] : [endpoints]
}

function subZoneOf({ weight, address }: ServedEndpoint, form: LocalityForm): string {
  if (form === 'weight') return `weight-${weight}`
  return form === 'endpoint' ? address : ''
}

function commonZone(endpoints: readonly ServedEndpoint[]): string {
  const zone = endpoints[0]?.zone
  return endpoints.every((endpoint) => endpoint.zone === zone) ? (zone ?? '') : ''
}

function weightOf(endpoints: readonly ServedEndpoint[]): number {
  const sum = endpoints.filter(isUsable).reduce((total, { weight }) => total + Math.max(1, weight), 0)
  return Math.max(1, sum)
}

function isUsable({ state }: ServedEndpoint): boolean {
  return state === 'usable'
}
