import type { MessageTypeDefinition } from '@grpc/proto-loader'
import { loadProto } from '../../src/core/protos/load.js'
import { opener } from './streams.js'

const PACKAGE = 'envoy.service.discovery.v3'
const ENDPOINTS = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment'
/** What a gRPC client subscribes to for one service. */
const TYPES = [
  'type.googleapis.com/envoy.config.listener.v3.Listener',
  'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  ENDPOINTS,
]

const proto = loadProto('xds')
const request = proto[`${PACKAGE}.DiscoveryRequest`] as MessageTypeDefinition<object, object>

/** An xDS client that acknowledges everything. */
export const openXdsStream = opener<object>({
  path: `/${PACKAGE}.AggregatedDiscoveryService/StreamAggregatedResources`,
  serialize: (message) => request.serialize(message),
  ask(service) {
    const node = { id: service, user_agent_name: 'gRPC Bench' }
    return TYPES.map((type_url) => ({ node, type_url, resource_names: [service] }))
  },
  hear(response, service) {
    const { version, type, nonce } = headOf(response)
    const answer = { type_url: type, resource_names: [service], version_info: version, response_nonce: nonce }
    return { answer, isUpdate: type === ENDPOINTS }
  },
})

/** The texts of a `DiscoveryResponse`; its resources are passed over. All its fields are of one kind: a tag, a length, bytes. */
function headOf(response: Buffer): { version: string; type: string; nonce: string } {
  const texts = ['', '', '', '', '', '']
  for (let at = 0; at < response.length;) {
    const field = response[at++]! >> 3
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = response[at++]!
      length += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    if (field === 1 || field === 4 || field === 5) texts[field] = response.toString('utf8', at, at + length)
    at += length
  }
  return { version: texts[1]!, type: texts[4]!, nonce: texts[5]! }
}
