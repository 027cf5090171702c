import { experimental } from '@grpc/grpc-js'
// What grpc-js makes of a service config in JSON: it takes no other form from a resolver, and exports this nowhere else.
import { type ServiceConfig, validateServiceConfig } from '@grpc/grpc-js/build/src/service-config.js'
import { isPolicyName, parseServiceConfig } from '../balancer/service-config.js'
import { withWholeTimeouts } from './method-timeouts.js'
import { ANY_POLICY } from './policy/policy-config.js'

export type { ServiceConfig }

type Entry = Readonly<Record<string, unknown>>

/** A lookaside client's policy. */
const GRPCLB = 'grpclb'

/**
 * A service config in JSON as a channel of fairlead's resolver is to have it: as it is, but with fairlead's policies in place of grpc-js's of
 * the same names, which know nothing of weights and states. Undefined stands for an empty one. Throws where gRPC refuses a config:
 * something in it is out of range, or names no policy that there is.
 *
 * @param lookaside whether there are lookaside balancers: their addresses mean grpclb whatever the config says (gRFC A26)
 */
export function channelConfig(raw: unknown, lookaside: boolean): ServiceConfig {
  const config = validateServiceConfig(withWholeTimeouts((raw ?? {}) as object))
  const entry = chosenEntry(config)
  const grpclb = lookaside && isRegistered(GRPCLB)
  const chosen = grpclb ? { [GRPCLB]: grpclbConfig(config) } : (entry ?? { [ANY_POLICY]: {} })
  // Calls would hang on a channel that is given what its policy refuses.
  experimental.parseLoadBalancingConfig(chosen)
  return { ...config, loadBalancingConfig: [chosen] }
}

/** The first entry that can be used; undefined where the config says nothing about policies. Throws where none can. */
function chosenEntry({ loadBalancingConfig, loadBalancingPolicy }: ServiceConfig): Record<string, object> | undefined {
  for (const entry of loadBalancingConfig) {
    const [name] = Object.keys(entry)
    if (isPolicyName(name!)) return ours([entry])
    if (!isRegistered(name!)) continue
    experimental.parseLoadBalancingConfig(entry)
    return entry
  }
  if (loadBalancingConfig.length > 0) return ours(loadBalancingConfig)
  return loadBalancingPolicy === undefined ? undefined : ours([{ [loadBalancingPolicy.toLowerCase()]: {} }])
}

/** grpc-js takes what every object has for registered. */
function isRegistered(name: string): boolean {
  return !(name in Object.prototype) && experimental.isLoadBalancerNameRegistered(name)
}

/** Throws where the policy's config cannot be read, or none is known. */
function ours(childPolicy: readonly Entry[]): Record<string, object> {
  parseServiceConfig({ loadBalancingConfig: childPolicy })
  return { [ANY_POLICY]: { childPolicy } }
}

/** What the config says for grpclb; else what it says is how to balance over servers while no balancer answers. */
function grpclbConfig({ loadBalancingConfig }: ServiceConfig): object {
  const own = loadBalancingConfig.find((entry) => Object.hasOwn(entry, GRPCLB))?.[GRPCLB]
  return own ?? (loadBalancingConfig.length > 0 ? { childPolicy: loadBalancingConfig } : {})
}
