import type { Verdict } from '../../balancer/eligibility.js'
import type { ClientLoad } from '../../control-plane/client-load.js'
import type { ServedEndpoint } from '../../control-plane/directory/contract.js'
import type { LeftOut } from '../../control-plane/directory/dialable.js'
import type { Protocol } from '../../control-plane/events.js'
import type { ProtocolReading, Spoken } from '../../control-plane/reading.js'
import type { EndpointRole, EndpointState } from '../../model/endpoint.js'
import type { ProcessState } from '../process.js'
import type { RegistryView } from '../registry-view.js'

/**
 * What a control plane tells whom, at one moment: the answer to `GET /state`. Plain JSON with every key always there, null for what
 * is not known. Text may quote the registry or a client: escape it for a terminal.
 */
export interface ServeState {
  readonly schemaVersion: 1
  /** Wall clock, ISO 8601. */
  readonly time: string
  readonly process: ProcessState
  /** Empty while nothing listens yet. */
  readonly listeners: readonly ProtocolReading[]
  /** Of the list of all services, whose revision is null also where it may not be read; stale where anything that is read is. */
  readonly registry: RegistryView
  /** Open streams, by what is spoken. `lrs` is how clients of xDS report their load. */
  readonly streams: Readonly<Partial<Record<Spoken, number>>>
  /** Streams beyond those in `clients`, which are the oldest of each protocol. */
  readonly clientsOmitted: number
  /** Those that clients ask for, or did a moment ago, by name. */
  readonly services: readonly ServedServiceView[]
  /** One for each stream. */
  readonly clients: readonly ClientView[]
}

export interface ServedServiceView {
  readonly service: string
  /** Whether the registry has a record or a config of it. */
  readonly exists: boolean
  /** What its config says; null where it says nothing. */
  readonly policy: string | null
  /** Whether so few endpoints are healthy that all are used. */
  readonly panic: boolean
  readonly registry: RegistryView
  /** When what clients are told last changed. */
  readonly toldAt: string | null
  /** Streams that ask for it, by protocol. */
  readonly followers: Readonly<Partial<Record<Protocol, number>>>
  /** Records that can be read, those of balancers too. */
  readonly registered: number
  /** Addresses that clients are told, by state; grpclb's are told the usable ones alone. */
  readonly told: Readonly<Record<ServedEndpoint['state'], number>>
  /** What clients have reported of their requests while it was followed here. */
  readonly load: ClientLoad
  /** In the order of the registry; one with a host name once for each IP address. */
  readonly endpoints: readonly ServedEndpointView[]
}

export interface ServedEndpointView {
  /** `host:port` as registered. */
  readonly address: string
  /** `ip:port`; null where there is none. */
  readonly dialed: string | null
  readonly id: string
  readonly zone: string | null
  readonly role: EndpointRole
  /** By the registry. */
  readonly state: EndpointState
  readonly weight: number
  /** As what, and with which weight, clients are told it; null: they are not, and `reason` says why. */
  readonly told: ServedEndpoint['state'] | null
  readonly toldWeight: number | null
  readonly verdict: Verdict | LeftOut
  readonly reason: string
  readonly health: 'healthy' | 'unhealthy' | 'ejected'
  readonly healthSince: string | null
  /** Why it is not healthy; empty where it is. */
  readonly healthReason: string
}

/** One stream of a client. */
export interface ClientView {
  /** Its address, and what it calls itself, at most 128 characters of that. */
  readonly client: string
  readonly protocol: Spoken
  readonly since: string
  /** The zone that it is taken to be in. */
  readonly zone: string | null
  readonly subscriptions: readonly {
    readonly type: string
    /** Whether it wants all that there is. */
    readonly all: boolean
    /** The first few names that it asks for, and how many there are. */
    readonly names: readonly string[]
    readonly count: number
    /** What it took over last; null before, and in grpclb. */
    readonly version: string | null
    /** Why it refuses what it was sent last; null where it does not. */
    readonly rejection: string | null
  }[]
  /** The last refusal on this stream, with the first few of the resources in question. */
  readonly lastNack: {
    readonly time: string
    readonly type: string
    readonly reason: string
    readonly resources: readonly string[]
  } | null
  /** What it reported of its requests on this stream, of the first few services. */
  readonly load: readonly ({ readonly service: string } & ClientLoad)[]
}
