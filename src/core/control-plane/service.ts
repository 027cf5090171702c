import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Runtime } from '../runtime.js'
import type { Directory } from './directory/contract.js'
import type { ControlPlaneEvent, Protocol } from './events.js'
import type { Meter } from './meter.js'

/** What protocols go by. */
export interface ProtocolOptions {
  /** How often clients are asked to report their load, milliseconds, at least 1,000. 0: not at all. Default 10,000. */
  readonly reportIntervalMs?: number | undefined
}

export const DEFAULT_REPORT_INTERVAL_MS = 10_000

/** What a control plane has at hand for the protocols that it speaks. */
export interface ControlPlaneContext {
  readonly directory: Directory
  readonly runtime: Runtime
  /** The zone of clients that do not say theirs; undefined: none. */
  readonly zone: string | undefined
  /** Hears of everything worth telling. Must not throw. */
  readonly onEvent: (event: ControlPlaneEvent) => void
}

/** A protocol that clients ask for servers by, ready to be put on a gRPC server. */
export interface ControlPlaneService {
  /** Also the name of the .proto file that describes its services to who asks by reflection. */
  readonly protocol: Protocol
  /** What is counted, for each protocol that it speaks. */
  readonly meters: readonly Meter[]
  /** What it answers to, in the order of its importance. Handlers are free of the server that they are on. */
  readonly handlers: readonly ServiceHandlers[]
  /** How many streams ask for a service. */
  followers(service: string): number
  /**
   * Ends every stream with UNAVAILABLE: clients go on with what they know and ask another control plane. Idempotent. Nobody is
   * answered afterwards, nothing is followed and no timer is left.
   */
  close(): void
}

/** A gRPC service and what answers it. */
export interface ServiceHandlers {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}
