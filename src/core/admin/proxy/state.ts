import type { Verdict } from '../../balancer/eligibility.js'
import type { EndpointRole, EndpointState } from '../../model/endpoint.js'
import type { RequestStats } from '../../proxy/meters.js'
import type { ProcessState } from '../process.js'
import type { RegistryView } from '../registry-view.js'

/**
 * What runs, at one moment: the answer to `GET /state`. Plain JSON with every key always there, null for what is not
 * known. Counters begin with the process (or the endpoint) and only grow; what they grew by lately is worked out beside
 * them, over `windowMs`. Text may quote the registry or a peer: escape it for a terminal.
 */
export interface AdminState {
  readonly schemaVersion: 1
  /** Wall clock, ISO 8601. */
  readonly time: string
  readonly process: ProcessState
  /**
   * What rates, shares, success and latencies are of: so many milliseconds before `time`. Since the start at first,
   * later about 5 s.
   */
  readonly windowMs: number
  readonly listeners: readonly ListenerView[]
}

/**
 * How traffic to endpoints went lately; a retry counts again. A TCP connection counts as one request here: its latency
 * is the time to connect.
 */
export interface Traffic {
  /** Begun per second. */
  readonly ratePerSecond: number
  /** 0 to 1, of those that ended and say something about the endpoint; null where none did. */
  readonly successRate: number | null
  /** Time to the head of the response, or to the connection, within 3.2 %; null where nothing was answered. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  /** Under way at this moment. */
  readonly inFlight: number
}

/** One listener and the service behind it. */
export interface ListenerView extends Traffic {
  /** `scheme://host:port`. */
  readonly listen: string
  readonly service: string
  /** Whether `service` is one of the registry or a fixed list of addresses. */
  readonly source: 'registry' | 'static'
  readonly policy: string
  /** Why the service's config is not in use; null where it is, or there is none. */
  readonly configError: string | null
  /** Whether so few endpoints are healthy that all are used. */
  readonly panic: boolean
  readonly registry: RegistryView
  /** Endpoints that take new traffic, and all servers. */
  readonly eligible: number
  readonly total: number
  /** Further attempts so far, and how often an endpoint was taken out. */
  readonly retries: number
  readonly ejections: number
  readonly connections: {
    /** Accepted, and open. */
    readonly total: number
    readonly active: number
    readonly denied: number
    readonly limited: number
    readonly malformed: number
    readonly handshakeFailures: number
    /** Closed because no endpoint could be reached. */
    readonly failed: number
  }
  /** Of HTTP; all zero on a TCP listener. */
  readonly requests: RequestStats
  readonly connectFailures: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** In the order of the snapshot (by address), then those that left with something still under way. */
  readonly endpoints: readonly EndpointView[]
}

/** One endpoint behind one listener. */
export interface EndpointView extends Traffic {
  readonly address: string
  readonly id: string
  readonly zone: string | null
  readonly role: EndpointRole
  readonly meta: Readonly<Record<string, string>>
  /** By the registry; what the policy goes by where load reports say something else. */
  readonly weight: number
  readonly effectiveWeight: number
  /** What the registry says; `gone`: no longer in the service, with something still under way. */
  readonly state: EndpointState | 'gone'
  /** Since when it says so, as far as this process knows. */
  readonly stateSince: string
  /** Whether it takes new traffic, and why (not): the balancer's verdict as a word and as a phrase. */
  readonly eligible: boolean
  readonly verdict: Verdict | 'gone'
  readonly reason: string
  /**
   * `unhealthy`: it fails its checks; `ejected`: out for a while because its requests fail. The worst that any worker
   * says.
   */
  readonly health: 'healthy' | 'unhealthy' | 'ejected'
  readonly healthSince: string
  /** Why it is not healthy; empty where it is. */
  readonly healthReason: string
  /** In how many of the workers it is not healthy: each checks and ejects by what it sees itself. */
  readonly faultyWorkers: number
  /** The part of its share that it gets on its way into use, 0 to 1; null when it is not on its way. */
  readonly slowStart: number | null
  /** Of what the listener sent to endpoints lately, 0 to 1, and what the policy aims at. 0 of nothing. */
  readonly share: number
  readonly expectedShare: number
  /** The peak-sensitive latency average that `peak_ewma` goes by; null before any answer. */
  readonly ewmaMs: number | null
  /** Requests or connections sent to it so far, and how often it was taken out. */
  readonly picks: number
  readonly ejections: number
  /** HTTP requests sent to it so far, under way, and those it failed. */
  readonly requests: { readonly total: number; readonly active: number; readonly failed: number }
  /** Connections to it: established so far, open, and attempts that failed. */
  readonly connections: { readonly total: number; readonly active: number; readonly failed: number }
  readonly bytesSent: number
  readonly bytesReceived: number
}
