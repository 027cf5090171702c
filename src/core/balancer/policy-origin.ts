import { asFairleadError, type FairleadError } from '../errors.js'
import { DEFAULT_POLICY, type PolicyName } from './policies/index.js'
import { parseServiceConfig, type PolicyChoice } from './service-config.js'

/** Which policy a service is balanced by, and whose word that is. */
export interface PolicyOrigin {
  readonly policy: PolicyName
  readonly from: 'caller' | 'service_config' | 'default'
  /** Why the service config is not in use. Absent where the caller's word counts, which spares the config a look. */
  readonly configError?: FairleadError
}

/** The caller's choice counts, then the service's config, then the default; a config that cannot be used is as none. Never throws. */
export function policyOrigin(serviceConfig: unknown, chosen?: PolicyChoice): PolicyOrigin {
  if (chosen) return { policy: chosen.name, from: 'caller' }
  const byDefault = { policy: DEFAULT_POLICY, from: 'default' } as const
  if (serviceConfig === undefined) return byDefault
  try {
    const choice = parseServiceConfig(serviceConfig)
    return choice ? { policy: choice.name, from: 'service_config' } : byDefault
  } catch (error) {
    return { ...byDefault, configError: asFairleadError(error) }
  }
}
