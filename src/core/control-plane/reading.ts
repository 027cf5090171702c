import type { ClientLoad } from './client-load.js'
import type { DirectoryReading, FollowedReading } from './directory/reading.js'
import type { DurationReading } from './duration-counts.js'
import type { Protocol } from './events.js'

/** How a control plane is at one moment, and what it did so far. Text of clients and of the registry is untrusted. */
export interface ControlPlaneReading {
  readonly listeners: readonly ProtocolReading[]
  readonly directory: DirectoryReading
  /** The services that somebody asks for, or did a moment ago. */
  readonly services: readonly ServiceReading[]
  /** Of each protocol that is spoken. */
  readonly meters: readonly MeterReading[]
}

export interface ProtocolReading {
  readonly protocol: Protocol
  /** `grpclb://127.0.0.1:8001`, with the real port. */
  readonly listen: string
}

/** What is spoken on streams: a protocol to ask for servers by, or the one that xDS clients report their load by. */
export type Spoken = Protocol | 'lrs'

export interface ServiceReading {
  readonly followed: FollowedReading
  /** How many streams ask for it, by protocol. */
  readonly followers: Readonly<Partial<Record<Protocol, number>>>
}

export interface MeterReading {
  readonly protocol: Spoken
  /** Streams that are open, and all that were begun. */
  readonly open: number
  readonly begun: number
  /** Sent, taken over by clients and refused by them, by type: all types that there are. */
  readonly responses: Readonly<Record<string, number>>
  readonly acks: Readonly<Record<string, number>>
  readonly nacks: Readonly<Record<string, number>>
  /** Reports of load. */
  readonly reports: number
  /** How long it took from hearing of a change in the registry until the last client was sent it. */
  readonly telling: DurationReading
  /** The open ones, oldest first; not a copy. */
  readonly streams: Iterable<ReadableStream>
}

/** What can be seen of a stream while it is open. */
export interface ReadableStream {
  read(): StreamReading
}

/** One stream of a client. */
export interface StreamReading {
  /** The client's address, and what it calls itself if it does. */
  readonly client: string
  /** Since when it is open, wall-clock milliseconds. */
  readonly since: number
  /** The zone that the client is taken to be in. */
  readonly zone: string | undefined
  readonly subscriptions: readonly SubscriptionReading[]
  /** The last refusal on this stream. */
  readonly lastNack: NackReading | undefined
  /** What the client has told of its requests on this stream, by service. */
  readonly load: readonly (readonly [service: string, ClientLoad])[]
}

/** What a stream is told of one type. */
export interface SubscriptionReading {
  readonly type: string
  /** Whether it wants all that there is. */
  readonly all: boolean
  /** What it names; not a copy. */
  readonly names: ReadonlySet<string>
  /** The version that the client took over last; undefined before, and where the protocol has none. */
  readonly version: string | undefined
  /** Why the client refuses what it was sent last; undefined: it does not. */
  readonly rejection: string | undefined
}

export interface NackReading {
  /** Wall-clock milliseconds. */
  readonly at: number
  readonly type: string
  readonly reason: string
  /** Of the refused response, the first few. */
  readonly resources: readonly string[]
}
