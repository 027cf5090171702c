import type { OutlierDetection } from '../../../balancer/outlier-detection.js'
import { durationOf } from '../../../protos/duration.js'
import type { ServiceView } from '../../directory/contract.js'
import type { Dialect } from '../client.js'
import type { Balancing } from './balancing.js'
import { parseCircuitBreakers } from './circuit-breakers.js'
import { ADS } from './config-source.js'
import { protocolOptions } from './upstream-protocol.js'

const CONNECT_TIMEOUT_MS = 5000

/** A service as a `Cluster`. Throws INVALID_ARGUMENT where its config has circuit breakers that say nothing. */
export function clusterOf(view: ServiceView, balancing: Balancing, dialect: Dialect, loadReports: boolean): object {
  return {
    name: view.service,
    type: 'EDS',
    eds_cluster_config: { eds_config: ADS, service_name: view.service },
    connect_timeout: durationOf(CONNECT_TIMEOUT_MS),
    ...balancing.cluster,
    circuit_breakers: { thresholds: [{ priority: 'DEFAULT', ...parseCircuitBreakers(view.serviceConfig) }] },
    ...(view.outlierDetection && { outlier_detection: outlierDetection(view.outlierDetection) }),
    ...(dialect === 'grpc' && loadReports && REPORTED),
    ...(dialect === 'envoy' && { ...FOR_ENVOY, typed_extension_protocol_options: protocolOptions(view) }),
  }
}

/** Load is reported to the server that the cluster came from. Envoy's own configuration says whom it reports to. */
const REPORTED = { lrs_server: { self: {} } } as const

/** How few healthy endpoints are so few that all are used is settled before endpoints come here. */
const FOR_ENVOY = { common_lb_config: { healthy_panic_threshold: { value: 0 } } } as const

/** In gRPC's terms (gRFC A50), and Envoy's consecutive failures. What is not wanted is said not to be: both have it on otherwise. */
function outlierDetection(rules: OutlierDetection): object {
  const { successRate, failurePercentage, consecutiveFailures } = rules
  return {
    interval: durationOf(rules.intervalMs),
    base_ejection_time: durationOf(Math.max(1, rules.baseEjectionMs)),
    max_ejection_time: durationOf(Math.max(1, rules.maxEjectionMs)),
    max_ejection_percent: { value: rules.maxEjectionPercent },
    ...(consecutiveFailures > 0 && { consecutive_5xx: { value: consecutiveFailures } }),
    enforcing_consecutive_5xx: { value: consecutiveFailures > 0 ? 100 : 0 },
    enforcing_consecutive_gateway_failure: { value: 0 },
    enforcing_success_rate: { value: successRate?.enforcementPercentage ?? 0 },
    ...(successRate && {
      success_rate_minimum_hosts: { value: successRate.minimumHosts },
      success_rate_request_volume: { value: successRate.requestVolume },
      success_rate_stdev_factor: { value: successRate.stdevFactor },
    }),
    enforcing_failure_percentage: { value: failurePercentage?.enforcementPercentage ?? 0 },
    ...(failurePercentage && {
      failure_percentage_threshold: { value: failurePercentage.threshold },
      failure_percentage_minimum_hosts: { value: failurePercentage.minimumHosts },
      failure_percentage_request_volume: { value: failurePercentage.requestVolume },
    }),
  }
}
