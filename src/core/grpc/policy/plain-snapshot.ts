import { experimental } from '@grpc/grpc-js'
import type { Endpoint } from '../../model/endpoint.js'
import type { Snapshot } from '../../model/snapshot.js'

/** What other resolvers (dns, ipv4, …) found, as a snapshot: ready servers of weight 1. */
export function plainSnapshot(service: string, endpoints: readonly experimental.Endpoint[]): Snapshot {
  return { service, revision: 0n, endpoints: endpoints.map(plainEndpoint), skipped: [] }
}

/** What an endpoint is called whatever resolver found it: `host:port`, or all its addresses. */
export function nameOf({ addresses }: experimental.Endpoint): string {
  return addresses.map(experimental.subchannelAddressToString).join(',')
}

function plainEndpoint(endpoint: experimental.Endpoint): Endpoint {
  const address = nameOf(endpoint)
  const [first] = endpoint.addresses
  const { host, port } = first && 'port' in first ? first : { host: address, port: 0 }
  return { id: address, address, host, port, weight: 1, state: 'ready', role: 'server', meta: {} }
}
