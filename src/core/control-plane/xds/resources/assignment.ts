import type { ServedEndpoint, ServiceView } from '../../directory/contract.js'
import { lengthDelimited } from '../../serving/length-delimited.js'
import { encode } from '../messages.js'
import type { Balancing } from './balancing.js'
import { type Locality, localitiesOf } from './localities.js'

const PACKAGE = 'envoy.config.endpoint.v3'
/** The fields of `ClusterLoadAssignment` and of `LocalityLbEndpoints`. */
const ENDPOINTS = 2
const LB_ENDPOINTS = 2

const HEALTH: Readonly<Record<ServedEndpoint['state'], string>> = {
  usable: 'HEALTHY',
  draining: 'DRAINING',
  unhealthy: 'UNHEALTHY',
}

/** Of each endpoint, as it stands in a locality: with its weight and without. Endpoints that stay the same are serialised once. */
const entries = { weighted: new WeakMap<ServedEndpoint, Buffer>(), alike: new WeakMap<ServedEndpoint, Buffer>() }

/** A service's endpoints for clients of a zone, as a `ClusterLoadAssignment`. Every address is in it once. */
export function assignmentOf(view: ServiceView, balancing: Balancing, zone: string | undefined): Buffer {
  const localities = localitiesOf(view.endpoints, balancing.localities, zone)
  const head = encode(`${PACKAGE}.ClusterLoadAssignment`, { cluster_name: view.service })
  return Buffer.concat([head, ...localities.map((locality) => localityEntry(locality, balancing.weighted))])
}

function localityEntry({ zone, subZone, weight, priority, endpoints }: Locality, weighted: boolean): Buffer {
  const locality = { zone, sub_zone: subZone }
  const head = { locality, load_balancing_weight: { value: weight }, priority }
  const parts = endpoints.map((endpoint) => endpointEntry(endpoint, weighted))
  return lengthDelimited(ENDPOINTS, [encode(`${PACKAGE}.LocalityLbEndpoints`, head), ...parts])
}

function endpointEntry(endpoint: ServedEndpoint, weighted: boolean): Buffer {
  const known = weighted ? entries.weighted : entries.alike
  let entry = known.get(endpoint)
  if (!entry) {
    entry = lengthDelimited(LB_ENDPOINTS, [encode(`${PACKAGE}.LbEndpoint`, lbEndpoint(endpoint, weighted))])
    known.set(endpoint, entry)
  }
  return entry
}

function lbEndpoint({ ip, port, state, weight }: ServedEndpoint, weighted: boolean): object {
  return {
    endpoint: { address: { socket_address: { address: ip, port_value: port } } },
    health_status: HEALTH[state],
    // gRPC's clients refuse a weight of 0.
    load_balancing_weight: { value: weighted ? Math.max(1, weight) : 1 },
  }
}
