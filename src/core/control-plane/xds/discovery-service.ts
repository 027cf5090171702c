import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import { withReadyResponses } from '../serving/ready-responses.js'
import type { ControlPlaneContext, ServiceHandlers } from '../service.js'
import type { Meter } from '../meter.js'
import type { Catalog } from './catalog.js'
import { clientName, clientTraits, type Node } from './client.js'
import { DiscoveryRecord } from './discovery-record.js'
import { type DeltaRequest, type DeltaResponse, DeltaSubscription } from './delta-subscription.js'
import { DiscoveryStream } from './discovery-stream.js'
import { encodeDelta, encodeSotw } from './encode-response.js'
import { serviceDefinition } from './messages.js'
import type { OpenCalls } from './open-calls.js'
import { type ResourceType, resourceTypeOf } from './resource-type.js'
import { type SotwRequest, type SotwResponse, SotwSubscription } from './sotw-subscription.js'
import type { Subscription } from './subscription.js'

/** What all streams share. */
interface DiscoveryRoom {
  readonly context: ControlPlaneContext
  readonly catalog: Catalog
  readonly calls: OpenCalls
  readonly meter: Meter
}

/** What a request of either form says beside its subscription. */
interface RequestHead {
  readonly node: Node | null
  readonly type_url: string
}

/** What the two forms of the protocol differ by. */
interface Form<Request, Response> {
  readonly subscription: (wildcard: boolean, nextNonce: () => string) => Subscription<Request, Response>
  readonly encode: (type: ResourceType, response: Response) => Buffer
}

const SOTW: Form<SotwRequest, SotwResponse> = {
  subscription: (complete, nextNonce) => new SotwSubscription(complete, nextNonce),
  encode: encodeSotw,
}

const DELTA: Form<DeltaRequest, DeltaResponse> = {
  subscription: (wildcard, nextNonce) => new DeltaSubscription(wildcard, nextNonce),
  encode: encodeDelta,
}

/**
 * The aggregated discovery service, and those of endpoints and of routes alone for proxies that have the rest from elsewhere; each in both
 * forms. Clusters and listeners say that more comes from the aggregated service, and make no sense without it.
 */
export function discoveryHandlers(room: DiscoveryRoom): ServiceHandlers[] {
  const handlers = (service: string, sotw: string, delta: string, only?: ResourceType) => ({
    definition: withReadyResponses(serviceDefinition(service)),
    implementation: {
      [sotw]: serve(SOTW, room, only),
      [delta]: serve(DELTA, room, only),
    },
  })
  return [
    handlers(
      'envoy.service.discovery.v3.AggregatedDiscoveryService',
      'StreamAggregatedResources',
      'DeltaAggregatedResources',
    ),
    handlers(
      'envoy.service.endpoint.v3.EndpointDiscoveryService',
      'StreamEndpoints',
      'DeltaEndpoints',
      'ClusterLoadAssignment',
    ),
    handlers('envoy.service.route.v3.RouteDiscoveryService', 'StreamRoutes', 'DeltaRoutes', 'RouteConfiguration'),
  ]
}

function serve<Request, Response>(
  form: Form<Request, Response>,
  room: DiscoveryRoom,
  only: ResourceType | undefined,
): (call: ServerDuplexStream<Request & RequestHead, Buffer>) => void {
  const { context, calls, meter } = room
  return (call) => {
    let stream: DiscoveryStream<Request, Response> | undefined
    const record = new DiscoveryRecord(call.getPeer(), context.runtime.clock)
    const end = () => {
      meter.ended(record)
      stream?.close()
    }
    if (!calls.add(call, end)) return
    meter.began(record)
    call.on('data', (request: Request & RequestHead) => {
      // "Only the first request on a stream is guaranteed to carry the node identifier."
      stream ??= openStream(form, room, call, record, request.node)
      // "This is implicit in requests made via singleton xDS APIs such as CDS, LDS, etc. but is required for ADS." (DiscoveryRequest)
      const type = request.type_url === '' ? only : resourceTypeOf(request.type_url)
      const isServed = only === undefined ? request.type_url !== '' : type === only
      if (!isServed)
        calls.end(call, status.INVALID_ARGUMENT, 'a request on this stream needs a type_url that it serves')
      // A type that nobody here knows has no resources.
      if (!isServed || type === undefined) return
      try {
        stream.request(type, request)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        calls.end(call, status.RESOURCE_EXHAUSTED, error.message)
      }
    })
  }
}

function openStream<Request, Response>(
  form: Form<Request, Response>,
  { context: { onEvent, zone }, catalog, meter }: DiscoveryRoom,
  call: ServerDuplexStream<unknown, Buffer>,
  record: DiscoveryRecord,
  node: Node | null,
): DiscoveryStream<Request, Response> {
  const client = clientName(call.getPeer(), node)
  const traits = clientTraits(node, zone)
  let nonce = 0
  const stream = new DiscoveryStream<Request, Response>({
    catalog,
    traits,
    subscription: (wildcard) => form.subscription(wildcard, () => String(++nonce)),
    send: (type, response) => {
      meter.sent(type)
      call.write(form.encode(type, response))
    },
    onInterest: (service, interested) => {
      const event = interested ? 'joined' : 'left'
      onEvent({ event, protocol: 'xds', client, ...(service !== undefined && { service }) })
    },
    onVerdict: (type, verdict) => {
      meter.answered(type, verdict.kind)
      if (verdict.kind === 'ack') return
      record.refused(type, verdict)
      const { reason, resources } = verdict
      onEvent({ event: 'nack', protocol: 'xds', client, type, resources, reason })
    },
  })
  record.identify(client, traits.zone, () => stream.subscriptions())
  return stream
}
