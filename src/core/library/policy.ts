import type { BalancerOptions } from '../balancer/balancer.js'
import type { PolicyName } from '../balancer/policies/index.js'
import { choosePolicy } from '../balancer/service-config.js'

/** How to choose among the endpoints of a service. */
export interface PolicyOptions {
  /** Wins over the service's config. Default: that, else `weighted_round_robin`. */
  readonly policy?: PolicyName
  /** The policy's own settings, as in a gRPC service config: `{ choiceCount: 3 }`. */
  readonly policyConfig?: Readonly<Record<string, unknown>>
}

/** Throws INVALID_ARGUMENT. */
export function balancerOptions({ policy, policyConfig }: PolicyOptions): BalancerOptions {
  return policy === undefined ? {} : { policy: choosePolicy(policy, policyConfig) }
}
