import type { EndpointState } from '../model/endpoint.js'
import type { Snapshot } from '../model/snapshot.js'

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

  constructor(address: string) {
    this.address = address
  }
}

/** What one listener did. */
export class ListenerMeter {
  /** Connections accepted, and those of them that are open. */
  total = 0
  active = 0
  /** Turned away: by the allow list, by the limit, for a bad PROXY header. */
  denied = 0
  limited = 0
  malformed = 0
  /** Ended because TLS could not be agreed on. */
  handshakeFailures = 0
  /** Closed because no endpoint could be reached. */
  failed = 0
  /** Further attempts to connect after a failed one. */
  retries = 0
  readonly #endpoints = new Map<string, EndpointMeter>()
  readonly #gone = new EndpointMeter('')

  endpoint(address: string): EndpointMeter {
    let meter = this.#endpoints.get(address)
    if (!meter) this.#endpoints.set(address, (meter = new EndpointMeter(address)))
    return meter
  }

  /** Forgets endpoints that are neither in the snapshot nor in use; what they carried stays in the listener's sums. */
  prune(snapshot: Snapshot): void {
    const current = new Set(snapshot.endpoints.map((endpoint) => endpoint.address))
    for (const [address, meter] of this.#endpoints) {
      if (meter.active > 0 || current.has(address)) continue
      this.#endpoints.delete(address)
      this.#gone.bytesSent += meter.bytesSent
      this.#gone.bytesReceived += meter.bytesReceived
      this.#gone.connectFailures += meter.connectFailures
    }
  }

  /** A copy for display: endpoints of the snapshot in its order, then those that left with connections still open. */
  read(snapshot: Snapshot | undefined): Omit<ListenerStats, 'listen' | 'service' | 'policy' | 'stale'> {
    const rows = new Map<string, EndpointStats>()
    for (const { address, weight, state } of snapshot?.endpoints ?? []) {
      rows.set(address, { weight, state, ...readEndpoint(this.#endpoints.get(address) ?? new EndpointMeter(address)) })
    }
    for (const meter of this.#endpoints.values()) {
      if (!rows.has(meter.address)) rows.set(meter.address, { weight: 0, state: 'gone', ...readEndpoint(meter) })
    }
    const { total, active, denied, limited, malformed, handshakeFailures, failed, retries } = this
    const all = [this.#gone, ...this.#endpoints.values()]
    const sum = (field: 'bytesSent' | 'bytesReceived' | 'connectFailures') => all.reduce((n, m) => n + m[field], 0)
    return {
      connections: { total, active, denied, limited, malformed, handshakeFailures, failed },
      retries,
      connectFailures: sum('connectFailures'),
      bytesSent: sum('bytesSent'),
      bytesReceived: sum('bytesReceived'),
      endpoints: [...rows.values()],
    }
  }
}

/** What one endpoint did for one listener so far. Counts are of connections unless they say bytes. */
export interface EndpointStats {
  readonly address: string
  readonly weight: number
  /** `gone`: no longer in the service, but connections to it are still open. */
  readonly state: EndpointState | 'gone'
  readonly total: number
  readonly active: number
  readonly connectFailures: number
  /** Bytes from clients to the endpoint. */
  readonly bytesSent: number
  /** Bytes from the endpoint to clients. */
  readonly bytesReceived: number
}

/** What one listener did so far. */
export interface ListenerStats {
  readonly listen: string
  readonly service: string
  readonly policy: string
  /** Whether the registry is away and the endpoints are what was known last. */
  readonly stale: boolean
  readonly connections: {
    readonly total: number
    readonly active: number
    readonly denied: number
    readonly limited: number
    readonly malformed: number
    readonly handshakeFailures: number
    readonly failed: number
  }
  readonly retries: number
  readonly connectFailures: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly endpoints: readonly EndpointStats[]
}

function readEndpoint(meter: EndpointMeter) {
  const { address, total, active, connectFailures, bytesSent, bytesReceived } = meter
  return { address, total, active, connectFailures, bytesSent, bytesReceived }
}
