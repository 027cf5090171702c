import type { ServiceView } from '../../directory/contract.js'
import type { Dialect } from '../client.js'
import type { Balancing } from './balancing.js'

/** The key by which gRPC's clients hash by their channel (gRFC A42). */
const CHANNEL = 'io.grpc.channel_id'

/** The way from everything that is asked for to the service's cluster, as a `RouteConfiguration`. */
export function routeOf({ service }: ServiceView, { hashBy }: Balancing, dialect: Dialect): object {
  const action = {
    cluster: service,
    // Envoy's default is 15 seconds.
    ...(dialect === 'envoy' && { timeout: { seconds: 0 } }),
    ...(hashBy && { hash_policy: [hashPolicy(hashBy, dialect)] }),
  }
  const routes = [{ match: { prefix: '' }, route: action }]
  return { name: service, virtual_hosts: [{ name: service, domains: ['*'], routes }] }
}

function hashPolicy(hashBy: NonNullable<Balancing['hashBy']>, dialect: Dialect): object {
  if (hashBy !== 'client') return { header: { header_name: hashBy.header } }
  return dialect === 'grpc' ? { filter_state: { key: CHANNEL } } : { connection_properties: { source_ip: true } }
}
