import type { ServedEndpoint, ServiceView } from '../../directory/contract.js'
import type { Balancing } from './balancing.js'
import { localitiesOf } from './localities.js'

const HEALTH: Readonly<Record<ServedEndpoint['state'], string>> = {
  usable: 'HEALTHY',
  draining: 'DRAINING',
  unhealthy: 'UNHEALTHY',
}

/** A service's endpoints for clients of a zone, as a `ClusterLoadAssignment`. Every address is in it once. */
export function assignmentOf(view: ServiceView, balancing: Balancing, zone: string | undefined): object {
  return {
    cluster_name: view.service,
    endpoints: localitiesOf(view.endpoints, balancing.localities, zone).map((locality) => ({
      locality: { zone: locality.zone, sub_zone: locality.subZone },
      lb_endpoints: locality.endpoints.map((endpoint) => lbEndpoint(endpoint, balancing.weighted)),
      load_balancing_weight: { value: locality.weight },
      priority: locality.priority,
    })),
  }
}

function lbEndpoint({ ip, port, state, weight }: ServedEndpoint, weighted: boolean): object {
  return {
    endpoint: { address: { socket_address: { address: ip, port_value: port } } },
    health_status: HEALTH[state],
    // gRPC's clients refuse a weight of 0.
    load_balancing_weight: { value: weighted ? Math.max(1, weight) : 1 },
  }
}
