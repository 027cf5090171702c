import type { ChannelOptions } from '@grpc/grpc-js'
import { parseAddress } from '../../model/address.js'
import { balancersOf, resolvedOf } from '../attribute.js'

/** Where a channel's lookaside balancers are, and what they are asked for. */
export interface GrpclbTarget {
  /** The service's name, or whatever else names it to the balancer. Undefined: nobody said. */
  readonly name: string | undefined
  /** In the order in which they are to be tried. */
  readonly balancers: readonly BalancerAddress[]
}

export interface BalancerAddress {
  /** A host name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

/** The channel option that names balancers where another resolver than fairlead's resolves: `host:port`, several with commas. */
const BALANCERS_OPTION = 'fairlead.grpclb_balancers'

/** The channel option with the zone of the client, told to the balancer as `service@zone`. */
const ZONE_OPTION = 'fairlead.zone'

/**
 * The balancers that a resolution or a channel's options name.
 *
 * @param serviceName what the policy's config says is to be asked for: it goes before what the target says
 * @throws INVALID_ARGUMENT for an option that cannot be read
 */
export function grpclbTarget(options: ChannelOptions, serviceName: string | undefined): GrpclbTarget {
  const snapshot = resolvedOf(options)?.snapshot
  const zone = options[ZONE_OPTION] as string | undefined
  const service = zone ? snapshot && `${snapshot.service}@${zone}` : snapshot?.service
  const listed = snapshot ? balancersOf(snapshot) : balancersFrom(options[BALANCERS_OPTION] as string | undefined)
  return { name: serviceName ?? service, balancers: listed.map(({ host, port }) => ({ host, port })) }
}

function balancersFrom(option: string | undefined): readonly BalancerAddress[] {
  if (!option) return []
  return option.split(',').map((address) => parseAddress(address.trim()))
}
