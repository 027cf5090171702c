/** What a client says of itself (`core.Node`), as it comes off the wire. Untrusted. */
export interface Node {
  readonly id: string
  readonly locality: { readonly zone: string } | null
  readonly user_agent_name: string
}

/**
 * Who makes use of what it is sent. gRPC leaves weights of single endpoints aside where it takes turns, and knows its own policies;
 * Envoy, and whoever does not say that it is gRPC, honours them and knows others.
 */
export type Dialect = 'grpc' | 'envoy'

/** What of a client makes a difference to what it is sent. */
export interface ClientTraits {
  readonly dialect: Dialect
  /** Where it is; undefined: nowhere in particular. */
  readonly zone: string | undefined
}

const MAX_NAME_LENGTH = 128
/** No zone of the registry is longer. */
const MAX_ZONE_LENGTH = 128

/** @param fallbackZone of clients that do not say theirs */
export function clientTraits(node: Node | null | undefined, fallbackZone: string | undefined): ClientTraits {
  const zone = node?.locality?.zone ?? ''
  return {
    dialect: /^grpc/i.test(node?.user_agent_name ?? '') ? 'grpc' : 'envoy',
    zone: (zone.length <= MAX_ZONE_LENGTH && zone) || fallbackZone,
  }
}

/** The client's address, and what it calls itself if it does. Untrusted text. */
export function clientName(peer: string, node: Node | null | undefined): string {
  const id = node?.id.slice(0, MAX_NAME_LENGTH)
  return id ? `${peer} (${id})` : peer
}
