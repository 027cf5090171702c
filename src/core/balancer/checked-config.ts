import { parseCallConfigs } from './call-config.js'
import { parseServiceConfig, type PolicyChoice } from './service-config.js'

/**
 * What a gRPC service config that is to be stored says about balancing; undefined when it says nothing. Throws INVALID_ARGUMENT where gRPC
 * would refuse it, for what it says about calls too (`methodConfig`, `retryThrottling`): whoever reads it later could only pass it over.
 */
export function checkedServiceConfig(raw: unknown): PolicyChoice | undefined {
  const choice = parseServiceConfig(raw)
  parseCallConfigs(raw as Readonly<Record<string, unknown>>)
  return choice
}
