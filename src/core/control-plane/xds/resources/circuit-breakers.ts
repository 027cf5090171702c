import { configFields, integerField, invalid } from '../../../balancer/policies/config.js'
import type { ServiceConfig } from '../../../registry/service-config.js'

const NAME = 'circuitBreakers'

/** The service config's fields, and Envoy's. */
const LIMITS = {
  maxConnections: 'max_connections',
  maxPendingRequests: 'max_pending_requests',
  maxRequests: 'max_requests',
  maxRetries: 'max_retries',
} as const

const NO_LIMIT = 2 ** 32 - 1

export type Thresholds = Readonly<Record<string, { readonly value: number }>>

/**
 * Reads `circuitBreakers` of a service config, fairlead's addition to it: how much may be under way from one client at once. What it does not
 * limit is not limited: gRPC and Envoy, told nothing, stop at 1,024. Throws INVALID_ARGUMENT naming the field.
 */
export function parseCircuitBreakers(config: ServiceConfig | undefined): Thresholds {
  const raw = config !== undefined && Object.hasOwn(config, NAME) ? config[NAME] : undefined
  const fields = configFields(NAME, raw)
  return Object.fromEntries(
    Object.entries(LIMITS).map(([field, limit]) => {
      const value = integerField(NAME, fields, field) ?? NO_LIMIT
      if (value > NO_LIMIT) throw invalid(`${NAME}: ${field} is more than ${NO_LIMIT}`)
      return [limit, { value }]
    }),
  )
}
