/** What a proxy tells about itself. */
export type ProxyEvent =
  | ({ readonly event: 'listening' } & ListenerState)
  | ({ readonly event: 'endpoints' } & ListenerState)
  /** The registry is away, or was from the start; the endpoints known last go on being used. */
  | { readonly event: 'stale'; readonly listen: string; readonly service: string; readonly reason: string }
  /** The registry is back. */
  | { readonly event: 'live'; readonly listen: string; readonly service: string }
  | HealthEvent
  /** So few endpoints are healthy that all are used, or no longer so. */
  | { readonly event: 'panic'; readonly listen: string; readonly service: string; readonly panic: boolean }
  | ConnectionErrorEvent
  /** A process of several ended unasked; another one takes its place after `restartMs`. */
  | {
      readonly event: 'worker_exited'
      readonly worker: number
      readonly reason: string
      readonly restartMs: number
    }
  | { readonly event: 'worker_started'; readonly worker: number }
  /** The configuration was read again and counts. `unchanged`: what of it takes a restart. */
  | { readonly event: 'reloaded'; readonly listeners: number; readonly unchanged?: readonly string[] }
  /** The configuration was read again and cannot be used; what was there before goes on. */
  | { readonly event: 'reload_failed'; readonly reason: string }
  /** The admin endpoint is open at this URL. */
  | { readonly event: 'admin'; readonly url: string }
  /** These files (of TLS) changed, and what they say now counts for new connections. */
  | { readonly event: 'certificates'; readonly files: readonly string[] }
  /** These files changed and cannot be used: what they said before still counts. */
  | { readonly event: 'certificates_refused'; readonly files: readonly string[]; readonly reason: string }
  | { readonly event: 'draining'; readonly connections: number }
  | { readonly event: 'stopped'; readonly broken: number }

export interface ListenerState {
  /** `scheme://host:port` with the real port. */
  readonly listen: string
  readonly service: string
  readonly policy: string
  /** Endpoints that are ready, and all of them. */
  readonly ready: number
  readonly endpoints: number
}

/** Checks, or how its requests go, say something else about an endpoint than before. */
export interface HealthEvent {
  readonly event: 'health'
  readonly listen: string
  readonly service: string
  readonly address: string
  /** `unhealthy`: it fails its checks; `ejected`: out for a while because its requests fail. */
  readonly health: 'healthy' | 'unhealthy' | 'ejected'
  /** Why it is not healthy; empty where it is. */
  readonly reason: string
}

/** Something went wrong with connections. At most one a second and listener, so `count` may stand for many. */
export interface ConnectionErrorEvent {
  readonly event: 'connection_error'
  readonly listen: string
  readonly service: string
  readonly kind:
    | 'connect_failed'
    | 'refused_address'
    | 'no_endpoints'
    | 'denied'
    | 'malformed_header'
    | 'handshake_failed'
    | 'accept_failed'
    /** HTTP: a client broke the protocol or a limit. */
    | 'malformed_request'
    /** HTTP: an endpoint has as much to do as it is allowed to. */
    | 'overloaded'
    /** HTTP: an endpoint broke a request off. */
    | 'broken_off'
    /** HTTP: an endpoint does not speak what it was spoken to; the reason says what becomes of its requests. */
    | 'other_protocol'
  /** The endpoint or client of the last one, where there is one. */
  readonly address?: string
  /** Why the last one failed. */
  readonly reason: string
  /** How many of this kind since the last event of this kind. */
  readonly count: number
}
