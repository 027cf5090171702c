import type { UpstreamStatus } from '../../balancer/contract.js'
import { formatHostPort } from '../../model/address.js'
import type { Endpoint } from '../../model/endpoint.js'
import { groupBy } from '../../model/group-by.js'
import type { ServedEndpoint } from './contract.js'
import type { DialableEndpoint, LeftOut } from './dialable.js'
import type { EndpointReading } from './reading.js'

/** What the endpoints of a service are read from. */
export interface ReadableEndpoints {
  /** All that are registered. */
  readonly registered: readonly Endpoint[]
  /** What was made of them. */
  readonly upstreams: readonly UpstreamStatus[]
  /** What clients are told. */
  readonly served: readonly ServedEndpoint[]
  whyLeftOut(endpoint: Endpoint): LeftOut
  fault(address: string): EndpointReading['fault']
}

/** Every registered endpoint, and what clients are told of it. */
export function readEndpoints({
  registered: endpoints,
  upstreams,
  served,
  whyLeftOut,
  fault,
}: ReadableEndpoints): EndpointReading[] {
  const told = new Map(served.map((each) => [formatHostPort(each.ip, each.port), each]))
  const dialed = groupBy(upstreams, ({ upstream }) => {
    const { address, registered = address }: DialableEndpoint = upstream.endpoint
    return registered
  })
  return endpoints.flatMap((endpoint): EndpointReading[] => {
    const all = dialed.get(endpoint.address)
    if (!all) return [{ ...recordOf(endpoint), ...UNDIALED, verdict: whyLeftOut(endpoint) }]
    return all.map(({ upstream, verdict }) => {
      const { address } = upstream.endpoint
      const known = told.get(address)
      return {
        ...recordOf(endpoint),
        dialed: address,
        verdict,
        health: upstream.fault ?? 'healthy',
        fault: upstream.fault && fault(address),
        told: known?.state,
        toldWeight: known?.weight,
      }
    })
  })
}

const UNDIALED = {
  dialed: undefined,
  health: 'healthy',
  fault: undefined,
  told: undefined,
  toldWeight: undefined,
} as const

function recordOf({ id, address, zone, role, state, weight }: Endpoint) {
  return { id, address, zone, role, state, weight }
}
