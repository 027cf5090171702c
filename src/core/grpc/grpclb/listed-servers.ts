import type { ChannelOptions, connectivityState } from '@grpc/grpc-js'
import { formatHostPort } from '../../model/address.js'
import type { ReadyTurn } from './list-picker.js'
import type { ListedServer, ListEntry } from './server-list.js'

/** The connections to the servers of a list. */
export interface ListedServers {
  /** As gRPC has it for all of them together; CONNECTING where there are none. */
  readonly state: connectivityState
  /** Why one could not be made, last. */
  readonly lastError: string | undefined
  /** The turns of connected servers, in the order of the list. */
  ready(): readonly ReadyTurn[]
  /** Connects to the servers of another list and lets go of others. What is connected and still listed stays. */
  update(list: readonly ListEntry[], options: ChannelOptions): void
  /** Connects where it is idle. */
  wake(): void
  /** Lets go of everything; calls that are under way go on to their end. */
  close(): void
}

/** Told after `state` or `ready()` may have changed. `lost`: a connection that was there is gone. */
export type ServersChanged = (lost: boolean) => void

/** What errors say of where the addresses came from. */
export const LIST_NOTE = 'servers listed by the lookaside balancer'

/** The servers of a list, each once, in its order, by their addresses. */
export function serversOf(list: readonly ListEntry[]): ReadonlyMap<string, ListedServer> {
  const servers = new Map<string, ListedServer>()
  for (const entry of list) if (!entry.drop) servers.set(addressOf(entry), entry)
  return servers
}

/** What tells servers of a list apart: as grpc-js writes addresses too. */
export function addressOf({ host, port }: ListedServer): string {
  return formatHostPort(host, port)
}
