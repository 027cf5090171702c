import type { EndpointState } from '../model/endpoint.js'
import type { ControlPlaneEvent } from '../control-plane/events.js'
import type { ProxyEvent } from '../proxy/events.js'

/**
 * One line of `GET /events` of a proxy: JSON, one object a line. First come those kept of the recent past (at most 200;
 * `?recent=N` for fewer), then each as it happens. Text may quote the registry or a peer: escape it for a terminal.
 */
export type AdminEvent = AdminEventHead & (ProxyEvent | EndpointEvent | LostEvent)

/** The same of a control plane. Reports of load are not kept. */
export type ServeAdminEvent = AdminEventHead & (ControlPlaneEvent | LostEvent)

export interface AdminEventHead {
  readonly schemaVersion: 1
  /** Grows by one with each event of the process. */
  readonly seq: number
  /** Wall clock, ISO 8601. */
  readonly time: string
}

/** What became of an endpoint of a service. */
export type EndpointEvent =
  | ({ readonly event: 'joined' | 'left' } & EndpointPlace)
  /** The registry says something else of it; `before` has what it said. */
  | ({
      readonly event: 'changed'
      readonly before: { readonly weight: number; readonly state: EndpointState }
    } & EndpointPlace)

export interface EndpointPlace {
  readonly listen: string
  readonly service: string
  readonly address: string
  readonly weight: number
  readonly zone: string | null
  readonly state: EndpointState
}

/** The reader was too slow: so many events were left out here. */
export interface LostEvent {
  readonly event: 'lost'
  readonly count: number
}
