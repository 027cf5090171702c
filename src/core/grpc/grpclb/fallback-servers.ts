import { type ChannelOptions, experimental, type LoadBalancingConfig } from '@grpc/grpc-js'
import { resolvedOf } from '../attribute.js'
import { ANY_POLICY } from '../policy/policy-config.js'
import type { GrpclbConfig } from './config.js'

/** Balances over the channel's own addresses, by the child policy of grpclb's config. */
export class FallbackServers {
  readonly #handler: experimental.ChildLoadBalancerHandler

  constructor(helper: experimental.ChannelControlHelper) {
    this.#handler = new experimental.ChildLoadBalancerHandler(helper)
  }

  update(
    endpoints: readonly experimental.Endpoint[],
    { childPolicy }: GrpclbConfig,
    options: ChannelOptions,
    note: string,
  ): void {
    this.#handler.updateAddressList(
      experimental.statusOrFromValue([...endpoints]),
      chooseChild(childPolicy, options),
      options,
      note,
    )
  }

  exitIdle(): void {
    this.#handler.exitIdle()
  }

  resetBackoff(): void {
    this.#handler.resetBackoff()
  }

  destroy(): void {
    this.#handler.destroy()
  }
}

/**
 * The first child policy that there is, of fairlead's own where its resolver resolves: they know of weights and states what the registry
 * says. `round_robin` if none is.
 */
function chooseChild(
  childPolicy: GrpclbConfig['childPolicy'],
  options: ChannelOptions,
): experimental.TypedLoadBalancingConfig {
  const fromRegistry = resolvedOf(options) !== undefined
  const own: LoadBalancingConfig[] = fromRegistry ? [{ [ANY_POLICY]: { childPolicy } }] : []
  const entries = [...own, ...(childPolicy as LoadBalancingConfig[]), { round_robin: {} }]
  return experimental.selectLbConfigFromList(entries)!
}
