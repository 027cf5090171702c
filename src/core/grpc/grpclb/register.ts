import { experimental } from '@grpc/grpc-js'
import type { Runtime } from '../../runtime.js'
import { GRPCLB, GrpclbConfig } from './config.js'
import { GrpclbBalancer } from './grpclb-balancer.js'

/**
 * Makes the policy `grpclb` known to grpc-js, unless there is one. The runtime is that of all channels whose policy is made known by this
 * call.
 */
export function registerGrpclb(runtime: Runtime): void {
  if (experimental.isLoadBalancerNameRegistered(GRPCLB)) return
  const type = class extends GrpclbBalancer {
    constructor(helper: experimental.ChannelControlHelper) {
      super(helper, runtime)
    }
  }
  experimental.registerLoadBalancerType(GRPCLB, type, GrpclbConfig)
}
