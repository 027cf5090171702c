import type { Fault } from '../balancer/upstream.js'
import type { EndpointState } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'
import { LatencyHistogram, type LatencyReading } from './latency-histogram.js'

/** What one endpoint did for one listener. Plain counters, written by the data plane. */
export class EndpointMeter {
  readonly address: string
  /** Why the guard refuses the address, as of its version `judgedAt`; -1 until asked. */
  refusal: string | undefined
  judgedAt = -1
  /** Connections established, and those of them that are open. */
  total = 0
  active = 0
  /** Attempts to connect that failed or took too long. */
  connectFailures = 0
  /** Bytes from clients to the endpoint, and back. */
  bytesSent = 0
  bytesReceived = 0
  /** HTTP requests sent to it, and those of them that are under way. A retry is a request of its own. */
  requests = 0
  requestsActive = 0
  /** Requests that it did not answer, or answered with a failure of its own. */
  requestsFailed = 0
  /** Picks that ended well and badly, a TCP connection being one; those whose end says nothing about the endpoint are in neither. */
  succeeded = 0
  failed = 0
  /** Times to the head of a response or, for TCP, to a connection. */
  readonly latency = new LatencyHistogram()

  constructor(address: string) {
    this.address = address
  }
}

/** What one listener did with HTTP requests. */
export class RequestMeter {
  /** Requests received, and those of them that are under way. */
  total = 0
  active = 0
  /** Responses by the first digit of their status; those the proxy gave itself are among them. */
  readonly classes: number[] = [0, 0, 0, 0, 0, 0]
  /** Further attempts at a request. */
  retries = 0
  /** Answered by the proxy itself: nothing could be done for them. */
  refused = 0
  /** Over their time. */
  timedOut = 0
  /** Given up by the client. */
  cancelled = 0
  /** Broken off in the middle of the response. */
  broken = 0
}

/** What one listener did. */
export class ListenerMeter {
  readonly requests = new RequestMeter()
  /** Connections accepted, and those of them that are open. */
  total = 0
  active = 0
  /** Turned away: by the allow list, and by the limit. */
  denied = 0
  limited = 0
  /** Faults of clients: a bad PROXY header, or what HTTP does not allow. */
  malformed = 0
  /** Ended because TLS could not be agreed on. */
  handshakeFailures = 0
  /** Closed because no endpoint could be reached. */
  failed = 0
  /** Further attempts to connect after a failed one. */
  retries = 0
  readonly #endpoints = new Map<string, EndpointMeter>()
  readonly #gone = new EndpointMeter('')

  /** What endpoints that were forgotten had counted. */
  get departedLatency(): LatencyReading {
    return this.#gone.latency.read()
  }

  endpoint(address: string): EndpointMeter {
    let meter = this.#endpoints.get(address)
    if (!meter) this.#endpoints.set(address, (meter = new EndpointMeter(address)))
    return meter
  }

  /** The meter of an endpoint that was used; undefined if it never was, or has been forgotten. */
  known(address: string): EndpointMeter | undefined {
    return this.#endpoints.get(address)
  }

  /** Forgets endpoints that are neither in the snapshot nor in use; what they carried stays in the listener's sums. */
  prune(snapshot: Snapshot): void {
    const current = new Set(snapshot.endpoints.map((endpoint) => endpoint.address))
    for (const [address, meter] of this.#endpoints) {
      if (meter.active > 0 || meter.requestsActive > 0 || current.has(address)) continue
      this.#endpoints.delete(address)
      this.#gone.bytesSent += meter.bytesSent
      this.#gone.bytesReceived += meter.bytesReceived
      this.#gone.connectFailures += meter.connectFailures
      this.#gone.latency.add(meter.latency)
    }
  }

  /**
   * A copy for display: endpoints of the snapshot in its order, then those that left with connections still open. `faults`
   * says by address what is wrong with some.
   */
  read(
    snapshot: Snapshot | undefined,
    faults: ReadonlyMap<string, Fault> = NO_FAULTS,
  ): Omit<ListenerStats, 'listen' | 'service' | 'policy' | 'stale' | 'panic'> {
    const rows = new Map<string, EndpointStats>()
    for (const { address, weight, state } of snapshot?.endpoints ?? []) {
      const health = faults.get(address) ?? 'healthy'
      rows.set(address, readEndpoint(address, weight, state, health, this.#endpoints.get(address)))
    }
    for (const meter of this.#endpoints.values()) {
      if (rows.has(meter.address)) continue
      rows.set(meter.address, readEndpoint(meter.address, 0, 'gone', 'healthy', meter))
    }
    const { total, active, denied, limited, malformed, handshakeFailures, failed, retries } = this
    const all = [this.#gone, ...this.#endpoints.values()]
    const sum = (field: 'bytesSent' | 'bytesReceived' | 'connectFailures') => all.reduce((n, m) => n + m[field], 0)
    return {
      connections: { total, active, denied, limited, malformed, handshakeFailures, failed },
      requests: readRequests(this.requests),
      retries,
      connectFailures: sum('connectFailures'),
      bytesSent: sum('bytesSent'),
      bytesReceived: sum('bytesReceived'),
      endpoints: [...rows.values()],
    }
  }
}

const NO_FAULTS: ReadonlyMap<string, Fault> = new Map()

/** What one endpoint did for one listener so far. Counts are of connections unless they say bytes or requests. */
export interface EndpointStats {
  readonly address: string
  readonly weight: number
  /** `gone`: no longer in the service, but connections to it are still open, or requests under way. */
  readonly state: EndpointState | 'gone'
  /** `unhealthy`: it fails its checks; `ejected`: out for a while because its requests fail. */
  readonly health: Fault | 'healthy'
  readonly total: number
  readonly active: number
  readonly connectFailures: number
  /** Bytes from clients to the endpoint. */
  readonly bytesSent: number
  /** Bytes from the endpoint to clients. */
  readonly bytesReceived: number
  /** HTTP requests sent to it (a retry counts again), under way, and those it failed. */
  readonly requests: number
  readonly requestsActive: number
  readonly requestsFailed: number
}

/** HTTP requests of one listener so far. */
export interface RequestStats {
  readonly total: number
  readonly active: number
  /** Responses by class of status, the proxy's own included. gRPC errors are among the 2xx. */
  readonly responses: Readonly<Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx', number>>
  readonly retries: number
  /** Answered by the proxy itself, because nothing could be done for them. */
  readonly refused: number
  readonly timedOut: number
  /** Given up by the client. */
  readonly cancelled: number
  /** Broken off in the middle of the response. */
  readonly broken: number
}

/** What one listener did so far. */
export interface ListenerStats {
  readonly listen: string
  readonly service: string
  readonly policy: string
  /** Whether the registry is away and the endpoints are what was known last. */
  readonly stale: boolean
  /** Whether so few endpoints are healthy that all are used. */
  readonly panic: boolean
  readonly connections: {
    /** Accepted, and those of them that are open. */
    readonly total: number
    readonly active: number
    /** Turned away by the allow list. */
    readonly denied: number
    /** Turned away for there were too many. */
    readonly limited: number
    /** Faults of clients: a bad PROXY header, or what HTTP does not allow. */
    readonly malformed: number
    /** Ended because TLS could not be agreed on. */
    readonly handshakeFailures: number
    /** Closed because no endpoint could be reached. */
    readonly failed: number
  }
  /** Of HTTP; all zero on a TCP listener. */
  readonly requests: RequestStats
  /** Further attempts to connect after a failed one, for TCP. */
  readonly retries: number
  readonly connectFailures: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly endpoints: readonly EndpointStats[]
}

function readEndpoint(
  address: string,
  weight: number,
  state: EndpointStats['state'],
  health: EndpointStats['health'],
  meter: EndpointMeter | undefined,
): EndpointStats {
  return {
    address,
    weight,
    state,
    health,
    total: meter?.total ?? 0,
    active: meter?.active ?? 0,
    connectFailures: meter?.connectFailures ?? 0,
    bytesSent: meter?.bytesSent ?? 0,
    bytesReceived: meter?.bytesReceived ?? 0,
    requests: meter?.requests ?? 0,
    requestsActive: meter?.requestsActive ?? 0,
    requestsFailed: meter?.requestsFailed ?? 0,
  }
}

function readRequests({ classes, total, active, retries, refused, timedOut, cancelled, broken }: RequestMeter) {
  const [, informational = 0, successful = 0, redirections = 0, clientErrors = 0, serverErrors = 0] = classes
  const responses = {
    '1xx': informational,
    '2xx': successful,
    '3xx': redirections,
    '4xx': clientErrors,
    '5xx': serverErrors,
  }
  return { total, active, responses, retries, refused, timedOut, cancelled, broken }
}
