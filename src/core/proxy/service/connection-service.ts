import type { Snapshot } from '../../model/snapshot.js'
import type { Client } from '../admission/client.js'
import type { Wire } from '../transport/transport.js'

/**
 * What is done with the connections of one listener. Services can stand in front of each other: one that ends TLS or
 * looks at the first bytes is a service itself and hands the wire on.
 */
export interface ConnectionService {
  /** Connections taken over and not over yet. */
  readonly active: number
  /** Takes over an admitted connection, which reads nothing until the service sets its receiver and resumes it. */
  accept(wire: Wire, arrival: Arrival): void
  /** The endpoints or their config changed; the balancer has taken them over already. */
  update(snapshot: Snapshot): void
  /** Begins nothing new on its connections and lets what is under way end. Idempotent. */
  drain(): void
  /** Breaks everything off and lets go of every connection, those to endpoints too. Idempotent. */
  abort(): void
}

/** What is known of a connection when a service takes it over. */
export interface Arrival {
  readonly client: Client
  /** Bytes of the client that were read already. Owned by whoever takes the connection over. */
  readonly early: Buffer
  /** Whether the client has ended its side (FIN) already, behind `early`; the wire does not tell again. */
  readonly ended?: boolean
  /** Whether the client speaks TLS, and this proxy has ended it. */
  readonly secure: boolean
  /** What ALPN settled (RFC 7301): `h2`, `http/1.1`; empty for nothing. */
  readonly alpn: string
}
