import type { DirectoryEvent } from './directory/events.js'
import type { CertificatesEvent } from './serving/kept-credentials.js'

/** What clients ask for servers by. */
export type Protocol = 'grpclb' | 'xds'

/** What happens at a control plane and may be worth telling. What clients said of themselves is untrusted text. */
export type ControlPlaneEvent =
  | {
      readonly event: 'listening'
      readonly protocol: Protocol
      /** `grpclb://127.0.0.1:8001`, with the real port. */
      readonly listen: string
    }
  /** A client asks for a service, or for all that there is. */
  | ({ readonly event: 'joined' } & ClientOf)
  | ({ readonly event: 'left' } & ClientOf)
  /** A client refuses what it was sent. */
  | {
      readonly event: 'nack'
      readonly protocol: 'xds'
      readonly client: string
      /** The type of the resources, in short: `Cluster`. */
      readonly type: string
      readonly resources: readonly string[]
      readonly reason: string
    }
  /** A client tells how its requests to a service went since it told last. */
  | {
      readonly event: 'load'
      readonly protocol: Protocol
      readonly client: string
      readonly service: string
      readonly requests: number
      readonly failed: number
      readonly dropped: number
      readonly seconds: number
    }
  | DirectoryEvent
  | CertificatesEvent
  /** The admin endpoint is open at this URL. */
  | { readonly event: 'admin'; readonly url: string }
  /** Nothing new is accepted, and what is open comes to its end. */
  | { readonly event: 'draining' }
  | { readonly event: 'stopped' }

interface ClientOf {
  readonly protocol: Protocol
  /** The client's address, and what it calls itself if it does. */
  readonly client: string
  /** Undefined: everything. */
  readonly service?: string
}
