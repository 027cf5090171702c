import {
  type ControlPlaneContext,
  type ControlPlaneService,
  DEFAULT_REPORT_INTERVAL_MS,
  type ProtocolOptions,
} from '../service.js'
import { Catalog } from './catalog.js'
import { discoveryHandlers } from './discovery-service.js'
import { loadHandlers } from './load-service.js'
import { Meter } from '../meter.js'
import { OpenCalls } from './open-calls.js'
import { RESOURCE_TYPES } from './resource-type.js'

/**
 * An xDS server: services of the registry as listeners, routes, clusters and endpoints for gRPC's clients and for Envoy, and what those
 * tell about the load that they make.
 */
export function createXdsService(
  context: ControlPlaneContext,
  { reportIntervalMs = DEFAULT_REPORT_INTERVAL_MS }: ProtocolOptions = {},
): ControlPlaneService {
  const { directory, runtime } = context
  const discovery = new Meter('xds', Object.keys(RESOURCE_TYPES), runtime.clock)
  const reports = new Meter('lrs', [], runtime.clock)
  const catalog = new Catalog(directory, runtime, reportIntervalMs > 0, (heardAt) => discovery.told(heardAt))
  const calls = new OpenCalls()
  return {
    protocol: 'xds',
    handlers: [
      ...discoveryHandlers({ context, catalog, calls, meter: discovery }),
      loadHandlers(context, calls, reports, reportIntervalMs),
    ],
    meters: [discovery, reports],
    followers: (service) => catalog.readers(service),
    close() {
      calls.close()
      catalog.close()
    },
  }
}
