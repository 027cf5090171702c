import type { Endpoint, EndpointState } from '../../model/endpoint.js'
import type { ProxyEvent } from '../../proxy/events.js'
import type { ListenerReading } from '../../proxy/reading.js'

/** A proxy of one process or of several, as its admin endpoint sees it. */
export interface ProxySource {
  /** Processes that share the listeners. */
  readonly workers: number
  /**
   * Counters so far and how things are, a copy. May ask other processes; called at most once at a time. Rejects only
   * where there is nothing to read any more.
   */
  read(): Promise<readonly ListenerReading[]>
  /** Calls `observer` for each event from now on. Returns what ends it. */
  subscribe(observer: (event: ProxyEvent) => void): () => void
  /** The configuration in effect, without secrets, as JSON. */
  configuration(): Readonly<Record<string, unknown>>
  /**
   * Changes what the registry says of an endpoint. Undefined: that cannot be done here. Rejects with a FairleadError.
   */
  readonly set?: ((change: EndpointChange, signal: AbortSignal) => Promise<Endpoint>) | undefined
}

/** The body of `POST /set`, as JSON. At least one of weight and state. */
export interface EndpointChange {
  readonly service: string
  readonly address: string
  /** 0 to 1000. */
  readonly weight?: number
  readonly state?: EndpointState
}
