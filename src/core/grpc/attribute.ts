import { type ChannelOptions, experimental } from '@grpc/grpc-js'
import type { Endpoint } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'

/**
 * An attribute whose key starts so is no part of what tells subchannels apart: it may change with every resolution and no connection
 * is made anew for that.
 */
const KEY = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.fairlead.resolved`

/** What the resolver tells policies besides addresses. */
export interface Resolved {
  /** Servers and lookaside balancers, in every state. */
  readonly snapshot: Snapshot
  /** Tells that an address could not be connected to: see `DataPlaneResolver.disprove`. */
  disprove(address: string): void
}

/** The attributes of a resolution. */
export function attributesOf(resolved: Resolved): Record<string, unknown> {
  return { [KEY]: resolved }
}

/** What the resolver said, of the options that a policy is given; undefined where another resolver resolves. */
export function resolvedOf(options: ChannelOptions): Resolved | undefined {
  return options[KEY] as Resolved | undefined
}

/** The lookaside balancers that may be asked. */
export function balancersOf({ endpoints }: Snapshot): readonly Endpoint[] {
  return endpoints.filter(({ role, state }) => role === 'balancer' && state === 'ready')
}
