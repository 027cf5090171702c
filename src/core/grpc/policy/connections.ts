import type { ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js'
import type { Upstream } from '../../balancer/upstream.js'

/** An endpoint to connect to, and how grpc-js writes it. */
export interface Destination {
  readonly upstream: Upstream
  readonly endpoint: experimental.Endpoint
}

/** The connections of a policy: to every endpoint that may take traffic, or to one of them. */
export interface Connections {
  /** As gRPC has it for all of them together: READY where one is, else CONNECTING, IDLE, TRANSIENT_FAILURE. */
  readonly state: connectivityState
  /** Why one could not be made, last. */
  readonly lastError: string | undefined
  /** Where calls to an endpoint are sent. Undefined while it is not connected. */
  subchannelOf(upstream: Upstream): experimental.SubchannelInterface | undefined
  /** Connects to these, in this order where that counts, and lets go of others. What is connected stays. */
  update(destinations: readonly Destination[], options: ChannelOptions, note: string): void
  /** Connects where it is idle. grpc-js has this called for every call. */
  wake(): void
  /** Lets go of everything. */
  close(): void
}

/** Hears what becomes of connections. */
export interface ConnectionEvents {
  /** Whether an endpoint may be picked from now on. */
  usable(upstream: Upstream, usable: boolean): void
  /** An endpoint could not be connected to. */
  unreachable(upstream: Upstream): void
  /** A connection was lost. */
  lost(): void
  /** The state of all together, or the way to an endpoint, may be another now. */
  changed(): void
}
