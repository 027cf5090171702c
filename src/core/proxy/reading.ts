import type { RegistryReading } from '../discovery/registry-account.js'
import { isUsable, type Verdict } from '../balancer/eligibility.js'
import type { EndpointRole } from '../model/endpoint.js'
import type { LatencyReading } from './latency-histogram.js'
import type { EndpointStats, ListenerStats } from './meters.js'

/**
 * What one listener did so far and how its endpoints are: a copy that can be sent to another process. Times are
 * wall-clock milliseconds.
 */
export interface ListenerReading extends ListenerStats {
  /** The processes whose figures these are: counters of others have nothing to do with them. */
  readonly pids: readonly number[]
  readonly source: 'registry' | 'static'
  readonly configError: string | undefined
  readonly registry: RegistryReading
  /** How often an endpoint was taken out so far. */
  readonly ejections: number
  /** Latencies of endpoints that have left for good. */
  readonly departedLatency: LatencyReading
  readonly endpoints: readonly EndpointReading[]
}

export interface EndpointReading extends EndpointStats {
  readonly id: string
  readonly zone: string | undefined
  readonly role: EndpointRole
  readonly meta: Readonly<Record<string, string>>
  readonly effectiveWeight: number
  readonly stateSince: number
  readonly verdict: Verdict | 'gone'
  readonly healthSince: number
  readonly healthReason: string
  /** In how many processes it is not healthy. */
  readonly faultyWorkers: number
  readonly slowStart: number | undefined
  /** What the policy aims at, 0 to 1. */
  readonly expectedShare: number
  readonly ewmaMs: number | undefined
  /** Requests, or for TCP connections, sent to it so far and under way. */
  readonly picks: number
  readonly inFlight: number
  /** Those that ended well and badly so far; neither where the end says nothing about the endpoint. */
  readonly succeeded: number
  readonly failed: number
  readonly ejections: number
  /** Times to the head of a response or to a connection. */
  readonly latency: LatencyReading
}

/** Whether it takes new traffic. */
export function isEligible({ verdict }: Pick<EndpointReading, 'verdict'>): boolean {
  return verdict !== 'gone' && isUsable(verdict)
}
