import type { experimental } from '@grpc/grpc-js'
import { OUTLIER_DETECTION } from '../../balancer/outlier-detection.js'
import { choosePolicy, parseServiceConfig, type PolicyChoice } from '../../balancer/service-config.js'

export type ConfigType = Parameters<typeof experimental.registerLoadBalancerType>[2]

/**
 * The type that channels of fairlead's resolver use whatever the policy, so that a service whose policy changes keeps counters and
 * connections. Its config is `{"childPolicy":[{"round_robin":{}}]}`; without a child policy gRPC's own default holds.
 */
export const ANY_POLICY = 'fairlead'

/** What gRPC clients do when nobody says anything. */
const DEFAULT_CHILD = [{ pick_first: {} }]

/** The config of one of fairlead's policies as grpc-js hands it about. */
export class PolicyConfig implements experimental.TypedLoadBalancingConfig {
  constructor(
    readonly typeName: string,
    readonly choice: PolicyChoice,
    readonly raw: object,
  ) {}

  getLoadBalancerName(): string {
    return this.typeName
  }

  toJsonObject(): object {
    return { [this.typeName]: this.raw }
  }
}

/** How grpc-js reads configs of a type. What cannot be read throws, and grpc-js goes to the next entry of its list. */
export function configType(typeName: string): ConfigType {
  return class extends PolicyConfig {
    static createFromJson(raw: unknown): PolicyConfig {
      return new PolicyConfig(typeName, choiceOf(typeName, raw), (raw ?? {}) as object)
    }
  }
}

function choiceOf(typeName: string, raw: unknown): PolicyChoice {
  if (typeName === ANY_POLICY) {
    const { childPolicy = DEFAULT_CHILD } = (raw ?? {}) as { childPolicy?: unknown }
    return parseServiceConfig({ loadBalancingConfig: childPolicy })!
  }
  if (typeName === OUTLIER_DETECTION) return parseServiceConfig({ loadBalancingConfig: [{ [typeName]: raw }] })!
  return choosePolicy(typeName.replace(/^fairlead_/, ''), raw)
}
