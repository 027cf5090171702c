import { type CallConfig, NO_CALL_CONFIGS, parseCallConfigs } from '../../../balancer/call-config.js'
import { durationOf } from '../../../protos/duration.js'
import type { ServiceView } from '../../directory/contract.js'
import type { Dialect } from '../client.js'
import type { Balancing } from './balancing.js'
import { retryPolicyOf } from './retry-policy.js'

/** The key by which gRPC's clients hash by their channel (gRFC A42). */
const CHANNEL = 'io.grpc.channel_id'

/**
 * The ways to a service's cluster, as a `RouteConfiguration`: one for each method and service that the service's config says something
 * of, and one for everything else. Throws INVALID_ARGUMENT where gRPC would refuse what the config says about calls.
 */
export function routeOf({ service, serviceConfig }: ServiceView, { hashBy }: Balancing, dialect: Dialect): object {
  const { methods } = serviceConfig === undefined ? NO_CALL_CONFIGS : parseCallConfigs(serviceConfig)
  const action = (call: CallConfig | undefined) => ({
    cluster: service,
    ...(hashBy && { hash_policy: [hashPolicy(hashBy, dialect)] }),
    ...timeLimit(call, dialect),
    ...retryPolicyOf(call?.retryPolicy),
  })
  const special = [...methods.keys()].filter((key) => key !== '').sort(byMethodsFirst)
  const routes = [
    ...special.map((key) => ({ match: matchOf(key), route: action(methods.get(key)) })),
    { match: { prefix: '' }, route: action(methods.get('')) },
  ]
  return { name: service, virtual_hosts: [{ name: service, domains: ['*'], routes }] }
}

/** The first route that matches counts. */
function byMethodsFirst(a: string, b: string): number {
  return Number(a.endsWith('/')) - Number(b.endsWith('/'))
}

function matchOf(key: string): object {
  return key.endsWith('/') ? { prefix: key } : { path: key }
}

/** gRPC's clients take the shorter of this and a call's own deadline (gRFC A31). Envoy's default is 15 seconds. */
function timeLimit(call: CallConfig | undefined, dialect: Dialect): object {
  const isLimited = call !== undefined && call.timeoutMs < Infinity
  const limit = durationOf(isLimited ? call.timeoutMs : 0)
  if (dialect === 'envoy') return { timeout: limit }
  return isLimited ? { max_stream_duration: { max_stream_duration: limit } } : {}
}

function hashPolicy(hashBy: NonNullable<Balancing['hashBy']>, dialect: Dialect): object {
  if (hashBy !== 'client') return { header: { header_name: hashBy.header } }
  return dialect === 'grpc' ? { filter_state: { key: CHANNEL } } : { connection_properties: { source_ip: true } }
}
