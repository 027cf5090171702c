import type { ControlPlaneOptions } from '../control-plane/control-plane.js'
import { type ProtocolAddresses, protocolListeners } from '../control-plane/protocols.js'
import type { ProtocolOptions } from '../control-plane/service.js'
import { FairleadError } from '../errors.js'
import { parseCheck } from '../health/check.js'

/** Where gRPC clients may ask for servers, by which protocol, and what they are told. At least one address. */
export interface ServeOptions
  extends ProtocolAddresses, ProtocolOptions, Omit<ControlPlaneOptions, 'listeners' | 'checks'> {
  /** Checks every endpoint of services that clients ask for: `tcp`, `http:/PATH`, `http:STATUSES:/PATH`, `grpc` or `grpc:SERVICE`. */
  readonly healthCheck?: string | undefined
  /** Milliseconds between two checks of an endpoint, above 0. Default 2,000. */
  readonly healthIntervalMs?: number | undefined
}

const DEFAULT_HEALTH_INTERVAL_MS = 2000
/** gRPC's own clients report no more often, whatever they are asked for. */
const SHORTEST_REPORT_INTERVAL_MS = 1000

/** The options of the control plane itself. Throws INVALID_ARGUMENT. */
export function controlPlaneOptions(options: ServeOptions): ControlPlaneOptions {
  const { healthCheck, healthIntervalMs = DEFAULT_HEALTH_INTERVAL_MS, reportIntervalMs, tls, zone, onEvent } = options
  demand(
    healthIntervalMs > 0 && Number.isFinite(healthIntervalMs),
    `the interval of health checks must be longer than 0: ${healthIntervalMs} ms`,
  )
  demand(
    reportIntervalMs === undefined ||
      reportIntervalMs === 0 ||
      (reportIntervalMs >= SHORTEST_REPORT_INTERVAL_MS && Number.isFinite(reportIntervalMs)),
    `the interval of load reports must be 0 or at least 1 s: ${reportIntervalMs} ms`,
  )
  return {
    listeners: protocolListeners(options, { reportIntervalMs }),
    checks: healthCheck === undefined ? undefined : { check: parseCheck(healthCheck), intervalMs: healthIntervalMs },
    tls,
    zone,
    onEvent,
  }
}

function demand(condition: boolean, message: string): void {
  if (!condition) throw new FairleadError('INVALID_ARGUMENT', message, { hint: 'write 2s or 1m, say' })
}
