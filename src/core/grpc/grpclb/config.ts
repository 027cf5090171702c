import type { experimental } from '@grpc/grpc-js'

export const GRPCLB = 'grpclb'

type RawConfig = Readonly<Record<string, unknown>>
type Entry = Readonly<Record<string, object>>

/** How clients go about a list where the config does not say. */
const DEFAULT_CHILD: readonly Entry[] = [{ round_robin: {} }]

/**
 * `{"grpclb":{"childPolicy":[{"round_robin":{}}],"serviceName":"…"}}` as grpc-js hands it about. Of the child policies the first that is
 * `round_robin` or `pick_first` says how the servers of a list are used; the list itself balances. All of them say how the channel's own
 * addresses are balanced over while no balancer answers.
 */
export class GrpclbConfig implements experimental.TypedLoadBalancingConfig {
  /** Whether all calls go to the first server of the list that can be connected to, instead of to all in turn. */
  readonly usesFirst: boolean

  constructor(
    readonly childPolicy: readonly Entry[],
    /** What the balancer is asked for, where it is something else than the target. */
    readonly serviceName: string | undefined,
    private readonly raw: RawConfig,
  ) {
    const known = childPolicy.find((entry) => Object.hasOwn(entry, 'round_robin') || Object.hasOwn(entry, 'pick_first'))
    this.usesFirst = known !== undefined && Object.hasOwn(known, 'pick_first')
  }

  /** Throws what is wrong with it. */
  static createFromJson(raw: unknown): GrpclbConfig {
    const config = (raw ?? {}) as RawConfig
    if (typeof config !== 'object' || Array.isArray(config))
      throw new Error('the config of grpclb is not a JSON object')
    const { childPolicy, serviceName } = config
    if (serviceName !== undefined && typeof serviceName !== 'string')
      throw new Error('grpclb: serviceName is not a string')
    if (childPolicy !== undefined && !isPolicyList(childPolicy)) {
      throw new Error('grpclb: childPolicy is not a list of objects with one policy name each')
    }
    return new GrpclbConfig(childPolicy?.length ? childPolicy : DEFAULT_CHILD, serviceName || undefined, config)
  }

  getLoadBalancerName(): string {
    return GRPCLB
  }

  toJsonObject(): object {
    return { [GRPCLB]: this.raw }
  }
}

function isPolicyList(value: unknown): value is readonly Entry[] {
  return Array.isArray(value) && value.every(isEntry)
}

function isEntry(value: unknown): value is Entry {
  return isObject(value) && Object.keys(value).length === 1 && Object.values(value).every(isObject)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
