import { pack } from '../messages.js'
import { ADS } from './config-source.js'

const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
const ROUTER = 'envoy.extensions.filters.http.router.v3.Router'

/** What a gRPC client dials by `name`, as a `Listener` that leads to the service's route. */
export function listenerOf(name: string, service: string): object {
  const manager = {
    stat_prefix: service,
    rds: { config_source: ADS, route_config_name: service },
    // "The last filter must be the router" to all of gRPC's clients (gRFC A39).
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: pack(ROUTER) }],
  }
  return { name, api_listener: { api_listener: pack(MANAGER, manager) } }
}
