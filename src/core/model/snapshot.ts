import type { Endpoint } from './endpoint.js'

/**
 * The complete set of a service's endpoints at one registry revision: never a delta. Frozen; each address appears once.
 * Endpoints are sorted by address, those of a static list stand as they were given.
 */
export interface Snapshot {
  readonly service: string
  /** Registry revision the set was true at. 0n for static targets. */
  readonly revision: bigint
  /** Servers and balancers, in every state. Who may take traffic is the balancer's question. */
  readonly endpoints: readonly Endpoint[]
  /** Records that could not be read, or that repeat an address. */
  readonly skipped: readonly SkippedRecord[]
  /** The service's gRPC service config as parsed JSON, if one is stored and is a JSON object. */
  readonly serviceConfig?: Readonly<Record<string, unknown>>
}

/** A record of the registry that does not count, and why. Both texts may quote the registry: escape them for a terminal. */
export interface SkippedRecord {
  readonly key: string
  readonly reason: string
}
