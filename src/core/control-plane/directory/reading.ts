import type { RegistryReading } from '../../discovery/registry-account.js'
import type { Verdict } from '../../balancer/eligibility.js'
import type { EndpointRole, EndpointState } from '../../model/endpoint.js'
import type { ClientLoad } from '../client-load.js'
import type { ServedEndpoint } from './contract.js'
import type { LeftOut } from './dialable.js'

/** How a directory is at one moment. Times are wall-clock milliseconds. */
export interface DirectoryReading {
  /** Whether there is something to answer from: the registry has said something, or was known from an earlier run. */
  readonly isReady: boolean
  /** The registry as a whole: its last change that was heard of, and whether anything that is read from it is stale. */
  readonly registry: RegistryReading
  readonly services: readonly FollowedReading[]
}

/** A service that somebody follows. */
export interface FollowedReading {
  readonly service: string
  /** Whether the registry has a record or a config of it. */
  readonly exists: boolean
  /** What its config says; undefined where it says nothing. */
  readonly policy: string | undefined
  /** Whether so few endpoints are healthy that all are used. */
  readonly panic: boolean
  readonly registry: RegistryReading
  /** When what is told last changed; undefined while nothing is known. */
  readonly toldAt: number | undefined
  /** Records that can be read, those of balancers too. */
  readonly registered: number
  /** Addresses that clients are told, by how. */
  readonly told: Readonly<Record<ServedEndpoint['state'], number>>
  /** What its clients have told of their requests while it was followed. */
  readonly load: ClientLoad
  /** In the order of the registry; a host name's once for each of its IP addresses. Takes time where there are many. */
  endpoints(): readonly EndpointReading[]
}

/** A registered endpoint, or one of the IP addresses of one that has a host name. */
export interface EndpointReading {
  readonly id: string
  /** `host:port` as registered. */
  readonly address: string
  /** `ip:port` that clients are told; undefined where there is none. */
  readonly dialed: string | undefined
  readonly zone: string | undefined
  readonly role: EndpointRole
  /** What the registry says. */
  readonly state: EndpointState
  readonly weight: number
  readonly verdict: Verdict | LeftOut
  readonly health: 'healthy' | 'unhealthy' | 'ejected'
  /** Why it is not healthy, and since when; undefined where it is. */
  readonly fault: { readonly reason: string; readonly since: number } | undefined
  /** As what clients are told it; undefined where they are not. */
  readonly told: ServedEndpoint['state'] | undefined
  /** The weight that clients are told; undefined where they are told of no endpoint. */
  readonly toldWeight: number | undefined
}
