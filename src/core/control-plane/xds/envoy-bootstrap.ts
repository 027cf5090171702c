import { isIP } from 'node:net'
import { FairleadError } from '../../errors.js'
import { hostPort, type ListenAddress } from '../../net/listen-address.js'
import type { BootstrapOptions, ServerTrust } from './bootstrap.js'

/** What an Envoy has to know to ask an xDS server, and where it listens. */
export interface EnvoyOptions extends BootstrapOptions {
  /** `server`, taken apart. */
  readonly serverAddress: ListenAddress
  /** Where it listens, and for which service. */
  readonly listeners: readonly { readonly listen: ListenAddress; readonly service: string }[]
  /** Where its admin endpoint is; undefined: nowhere. */
  readonly admin: ListenAddress | undefined
  /** Whether it asks for changes only. */
  readonly delta: boolean
}

/** No service can have this name. It is also what requests to the server have as their authority. */
const SERVER_CLUSTER = '.fairlead'
const TYPE = 'type.googleapis.com/envoy'
const ADS = { resource_api_version: 'V3', ads: {} }

/**
 * An Envoy's configuration as JSON: listeners of its own, routes, clusters and endpoints from the xDS server. With gRPC or HTTP, it
 * speaks to endpoints what the cluster says. Throws INVALID_ARGUMENT for what an Envoy would refuse.
 */
export function envoyBootstrap(options: EnvoyOptions): object {
  const { nodeId, zone, listeners, admin, delta } = options
  const services = [{ envoy_grpc: { cluster_name: SERVER_CLUSTER } }]
  return {
    node: { id: nodeId, cluster: 'fairlead', ...(zone !== undefined && { locality: { zone } }) },
    ...(admin && { admin: { address: ownAddress(admin) } }),
    dynamic_resources: {
      ads_config: { api_type: delta ? 'DELTA_GRPC' : 'GRPC', transport_api_version: 'V3', grpc_services: services },
      cds_config: ADS,
    },
    cluster_manager: {
      load_stats_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: services },
    },
    static_resources: {
      listeners: listeners.map(({ listen, service: name }) => listener(listen, name)),
      clusters: [serverCluster(options)],
    },
  }
}

function listener(listen: ListenAddress, service: string): object {
  const manager = {
    '@type': `${TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    'stat_prefix': service,
    'codec_type': 'AUTO',
    'rds': { route_config_name: service, config_source: ADS },
    'http_filters': [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPE}.extensions.filters.http.router.v3.Router` },
      },
    ],
  }
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager }
  // Several listeners may be of one service; a name stands for one.
  return { name: hostPort(listen), address: ownAddress(listen), filter_chains: [{ filters: [filter] }] }
}

function serverCluster({ serverAddress, tls }: EnvoyOptions): object {
  const endpoint = { endpoint: { address: socketAddress(serverAddress) } }
  const options = `${TYPE.slice('type.googleapis.com/'.length)}.extensions.upstreams.http.v3.HttpProtocolOptions`
  const keepAlive = { connection_keepalive: { interval: '30s', timeout: '5s' } }
  return {
    name: SERVER_CLUSTER,
    type: 'STRICT_DNS',
    load_assignment: { cluster_name: SERVER_CLUSTER, endpoints: [{ lb_endpoints: [endpoint] }] },
    typed_extension_protocol_options: {
      [options]: {
        '@type': `type.googleapis.com/${options}`,
        'explicit_http_config': { http2_protocol_options: keepAlive },
      },
    },
    ...(tls && { transport_socket: tlsSocket(serverAddress.host, tls) }),
  }
}

/** Envoy looks at no name in a certificate unless it is told which. */
function tlsSocket(host: string, { ca }: ServerTrust): object {
  if (ca === undefined) {
    throw new FairleadError('INVALID_ARGUMENT', 'an Envoy knows no authorities of its system', {
      hint: 'name them: --ca /etc/ssl/certs/ca-certificates.crt, for example',
    })
  }
  const isAddress = isIP(host) !== 0
  const validation = {
    trusted_ca: { filename: ca },
    match_typed_subject_alt_names: [{ san_type: isAddress ? 'IP_ADDRESS' : 'DNS', matcher: { exact: host } }],
  }
  const context = {
    '@type': `${TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext`,
    ...(!isAddress && { sni: host }),
    'common_tls_context': { validation_context: validation },
  }
  return { name: 'envoy.transport_sockets.tls', typed_config: context }
}

/** Where an Envoy listens itself. */
function ownAddress(listen: ListenAddress): object {
  if (isIP(listen.host) !== 0) return socketAddress(listen)
  throw new FairleadError(
    'INVALID_ARGUMENT',
    `an Envoy cannot listen on ${hostPort(listen)}: ${listen.host} is a name`,
    {
      hint: `write an IP address, for example 127.0.0.1:${listen.port}`,
    },
  )
}

function socketAddress({ host, port }: ListenAddress): object {
  return { socket_address: { address: host, port_value: port } }
}
