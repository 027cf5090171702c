import type { ServiceView } from '../../directory/contract.js'
import { type Any, pack } from '../messages.js'

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** What `meta.protocol` of an endpoint may say, as with the proxy. */
const HTTP1 = ['h1', 'http1', 'http/1.1']
const HTTP2 = ['h2', 'h2c', 'grpc']

/**
 * What a proxy speaks to a service's endpoints: what the metadata of all of them says, else what its client speaks. A cluster
 * has one protocol for all.
 */
export function protocolOptions({ endpoints }: ServiceView): Readonly<Record<string, Any>> {
  const all = (names: readonly string[]) =>
    endpoints.length > 0 && endpoints.every(({ meta }) => names.includes(own(meta, 'protocol')))
  if (all(HTTP2)) return { [OPTIONS]: pack(OPTIONS, { explicit_http_config: { http2_protocol_options: {} } }) }
  if (all(HTTP1)) return { [OPTIONS]: pack(OPTIONS, { explicit_http_config: { http_protocol_options: {} } }) }
  const either = { http_protocol_options: {}, http2_protocol_options: {} }
  return { [OPTIONS]: pack(OPTIONS, { use_downstream_protocol_config: either }) }
}

function own(meta: Readonly<Record<string, string>>, key: string): string {
  return (Object.hasOwn(meta, key) ? meta[key]! : '').toLowerCase()
}
