import type { ControlPlaneContext, ControlPlaneService } from '../service.js'
import { Catalog } from './catalog.js'
import { discoveryHandlers } from './discovery-service.js'
import { loadHandlers } from './load-service.js'
import { Meter } from '../meter.js'
import { OpenCalls } from './open-calls.js'
import { RESOURCE_TYPES } from './resource-type.js'

export interface XdsOptions {
  /** How often clients are to tell how their requests went, milliseconds. 0: not at all. Default 10,000. */
  readonly loadReportIntervalMs?: number | undefined
}

const LOAD_REPORT_INTERVAL_MS = 10_000

/**
 * An xDS server: services of the registry as listeners, routes, clusters and endpoints for gRPC's clients and for Envoy, and what those
 * tell about the load that they make.
 */
export function createXdsService(context: ControlPlaneContext, options: XdsOptions = {}): ControlPlaneService {
  const { loadReportIntervalMs = LOAD_REPORT_INTERVAL_MS } = options
  const { directory, runtime } = context
  const discovery = new Meter('xds', Object.keys(RESOURCE_TYPES), runtime.clock)
  const reports = new Meter('lrs', [], runtime.clock)
  const catalog = new Catalog(directory, runtime, loadReportIntervalMs > 0, (heardAt) => discovery.told(heardAt))
  const calls = new OpenCalls()
  return {
    protocol: 'xds',
    handlers: [
      ...discoveryHandlers(context, catalog, calls, discovery),
      loadHandlers(context, calls, reports, loadReportIntervalMs),
    ],
    meters: [discovery, reports],
    followers: (service) => catalog.readers(service),
    close() {
      calls.close()
      catalog.close()
    },
  }
}
