import { typeUrl } from './messages.js'

/** What clients subscribe to, by short names. */
export type ResourceType = 'Listener' | 'RouteConfiguration' | 'Cluster' | 'ClusterLoadAssignment'

interface Traits {
  readonly message: string
  /**
   * "The server must include the complete state of the world, meaning that all resources of the relevant type that are needed by the
   * client must be included" (xDS, "Grouping Resources into Responses"): what is missing is deleted. And only these can be asked for
   * all at once.
   */
  readonly complete: boolean
}

export const RESOURCE_TYPES: Readonly<Record<ResourceType, Traits>> = {
  Cluster: { message: 'envoy.config.cluster.v3.Cluster', complete: true },
  ClusterLoadAssignment: { message: 'envoy.config.endpoint.v3.ClusterLoadAssignment', complete: false },
  Listener: { message: 'envoy.config.listener.v3.Listener', complete: true },
  RouteConfiguration: { message: 'envoy.config.route.v3.RouteConfiguration', complete: false },
}

const BY_URL = new Map(
  Object.entries(RESOURCE_TYPES).map(([type, { message }]) => [typeUrl(message), type as ResourceType]),
)

/** The type with this URL; undefined for one that is not served. */
export function resourceTypeOf(url: string): ResourceType | undefined {
  return BY_URL.get(url)
}
