import { experimental } from '@grpc/grpc-js'

/** Where a channel's lookaside balancers are, and what they are asked for. */
export interface GrpclbTarget {
  /** What to ask for: the service's name, or whatever else names it to the balancer. */
  readonly name: string
  /** In the order in which they are to be tried. None: the channel's own addresses are used. */
  readonly balancers: readonly BalancerAddress[]
}

export interface BalancerAddress {
  /** A host name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * The resolver attribute that carries a channel's GrpclbTarget to the policy `grpclb`. The addresses of the same resolution are
 * those of servers, used while no balancer answers. Connections do not depend on it.
 */
export const GRPCLB_TARGET_ATTRIBUTE = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.fairlead_grpclb_target`
