import { Client, type ClientDuplexStream, credentials, type ServiceError } from '@grpc/grpc-js'
import type { MessageTypeDefinition } from '@grpc/proto-loader'
import { loadProto } from '../../../../src/core/protos/load.js'
import { eventually } from '../../../support/eventually.js'

const proto = loadProto('xds')
const PREFIX = 'type.googleapis.com/'

export const TYPES = {
  listener: `${PREFIX}envoy.config.listener.v3.Listener`,
  route: `${PREFIX}envoy.config.route.v3.RouteConfiguration`,
  cluster: `${PREFIX}envoy.config.cluster.v3.Cluster`,
  endpoints: `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
} as const
export type TypeName = keyof typeof TYPES

interface Any {
  readonly type_url: string
  readonly value: Buffer
}

export interface Received {
  readonly type: TypeName
  readonly version: string
  readonly nonce: string
  /** By name. */
  readonly resources: Readonly<Record<string, Record<string, unknown>>>
  /** In increments, by name. */
  readonly versions: Readonly<Record<string, string>>
  readonly removed: readonly string[]
}

interface RawResponse {
  readonly version_info?: string
  readonly system_version_info?: string
  readonly type_url: string
  readonly nonce: string
  readonly resources: readonly (Any | { readonly name: string; readonly version: string; readonly resource: Any })[]
  readonly removed_resources?: readonly string[]
}

const ADS = 'envoy.service.discovery.v3.AggregatedDiscoveryService'
const EDS = 'envoy.service.endpoint.v3.EndpointDiscoveryService'
const METHODS = {
  'sotw': [ADS, 'StreamAggregatedResources'],
  'delta': [ADS, 'DeltaAggregatedResources'],
  'endpoints': [EDS, 'StreamEndpoints'],
  'delta endpoints': [EDS, 'DeltaEndpoints'],
} as const

/** A stream of the server that does just what a test says. */
export class AdsClient {
  readonly received: Received[] = []
  error: ServiceError | undefined
  readonly #client: Client
  readonly #stream: ClientDuplexStream<object, RawResponse>

  constructor(port: number, form: keyof typeof METHODS = 'sotw') {
    const [name, methodName] = METHODS[form]
    const service = proto[name] as Record<
      string,
      { path: string; requestSerialize: (value: object) => Buffer; responseDeserialize: (bytes: Buffer) => object }
    >
    const method = service[methodName]!
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    this.#stream = this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (bytes: Buffer) => RawResponse,
    )
    this.#stream.on('data', (response: RawResponse) => this.received.push(readable(response)))
    this.#stream.on('error', (error: ServiceError) => (this.error = error))
  }

  /** Sends a request, with the fields of either form. */
  send(type: TypeName | string, fields: object = {}): void {
    this.#stream.write({ type_url: type in TYPES ? TYPES[type as TypeName] : type, ...fields })
  }

  /** The response number `index` (0 is the first), as soon as it is there. */
  response(index: number): Promise<Received> {
    return eventually(() => this.received[index] ?? false)
  }

  /** Subscribes in the form "state of the world", and acknowledges all that comes. */
  async follow(type: TypeName, names: readonly string[], node: object = { id: 'test' }): Promise<Received> {
    const index = this.received.length
    this.send(type, { resource_names: names, node })
    const response = await eventually(() => this.received.slice(index).find((one) => one.type === type) ?? false)
    this.acknowledge(response, names)
    return response
  }

  acknowledge({ type, version, nonce }: Received, names: readonly string[]): void {
    this.send(type, { resource_names: names, version_info: version, response_nonce: nonce })
  }

  close(): void {
    this.#stream.cancel()
    this.#client.close()
  }
}

function readable(response: RawResponse): Received {
  const decoded = response.resources.map((resource) => decode('resource' in resource ? resource.resource : resource))
  return {
    type: Object.entries(TYPES).find(([, url]) => url === response.type_url)![0] as TypeName,
    version: response.version_info ?? response.system_version_info ?? '',
    nonce: response.nonce,
    resources: Object.fromEntries(decoded.map((one) => [String(one.name ?? one.cluster_name), one])),
    versions: Object.fromEntries(
      response.resources.flatMap((one) => ('resource' in one ? [[one.name, one.version] as const] : [])),
    ),
    removed: response.removed_resources ?? [],
  }
}

function decode({ type_url, value }: Any): Record<string, unknown> {
  const type = proto[type_url.slice(PREFIX.length)] as MessageTypeDefinition<object, object>
  return type.deserialize(value) as Record<string, unknown>
}
