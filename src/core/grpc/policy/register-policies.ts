import { experimental } from '@grpc/grpc-js'
import { OUTLIER_DETECTION } from '../../balancer/outlier-detection.js'
import { POLICY_NAMES } from '../../balancer/policies/index.js'
import type { Runtime } from '../../runtime.js'
import { PolicyBalancer } from './policy-balancer.js'
import { ANY_POLICY, configType } from './policy-config.js'

/** gRPC's own names, where they differ from fairlead's. */
const GRPC_NAMES = ['least_request_experimental', 'ring_hash_experimental', OUTLIER_DETECTION]

/**
 * Makes every policy known to grpc-js, for channels of any resolver: as `fairlead_<name>`, and under its own name where that is not taken.
 * What is there under a name stays. The runtime is that of all channels whose policies are made known by this call.
 */
export function registerPolicies(runtime: Runtime): void {
  const prefixed = POLICY_NAMES.map((name) => `fairlead_${name}`)
  for (const typeName of [ANY_POLICY, ...prefixed, ...POLICY_NAMES, ...GRPC_NAMES]) {
    if (experimental.isLoadBalancerNameRegistered(typeName)) continue
    experimental.registerLoadBalancerType(typeName, balancerType(typeName, runtime), configType(typeName))
  }
}

function balancerType(typeName: string, runtime: Runtime): Parameters<typeof experimental.registerLoadBalancerType>[1] {
  return class extends PolicyBalancer {
    constructor(helper: experimental.ChannelControlHelper) {
      super(typeName, helper, runtime)
    }
  }
}
