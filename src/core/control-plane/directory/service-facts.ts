import { isDeepStrictEqual } from 'node:util'
import { parseServiceConfig } from '../../balancer/service-config.js'
import { asFairleadError } from '../../errors.js'
import type { Snapshot } from '../../model/snapshot.js'
import type { Logger } from '../../runtime.js'
import type { ServiceView } from './contract.js'

/** What a service's config says. */
export type ServiceFacts = Pick<ServiceView, 'choice' | 'outlierDetection' | 'serviceConfig'>

export const NO_FACTS: ServiceFacts = { choice: undefined, outlierDetection: undefined, serviceConfig: undefined }

/**
 * Reads the config of a snapshot. The facts known before if it says the same, and also, with a word to the log, if it cannot be
 * used: what was in use goes on, as in a balancer.
 */
export function readFacts({ service, serviceConfig }: Snapshot, known: ServiceFacts, log: Logger): ServiceFacts {
  if (serviceConfig === undefined) return NO_FACTS
  if (isDeepStrictEqual(serviceConfig, known.serviceConfig)) return known
  try {
    const choice = parseServiceConfig(serviceConfig)
    return { choice, outlierDetection: choice?.outlierDetection, serviceConfig }
  } catch (error) {
    log.warn('the service config cannot be used', { service, error: asFairleadError(error).message })
    return known
  }
}
