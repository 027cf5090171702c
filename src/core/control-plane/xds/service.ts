import type { ControlPlaneContext, ControlPlaneService } from '../service.js'
import { Catalog } from './catalog.js'
import { discoveryHandlers } from './discovery-service.js'
import { loadHandlers } from './load-service.js'
import { OpenCalls } from './open-calls.js'

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
  const catalog = new Catalog(context.directory, context.runtime, loadReportIntervalMs > 0)
  const calls = new OpenCalls()
  return {
    protocol: 'xds',
    handlers: [...discoveryHandlers(context, catalog, calls), loadHandlers(context, calls, loadReportIntervalMs)],
    close() {
      calls.close()
      catalog.close()
    },
  }
}
