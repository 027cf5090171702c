import { addLatencies, bucketOf, UNITS_PER_MS } from '../../proxy/latency-histogram.js'
import type { ListenerReading } from '../../proxy/reading.js'
import { countOf, countsBefore } from './latencies.js'
import { counter, type Family, gauge, histogram, type HistogramValue, split } from '../metrics/family.js'
import { registryFamilies } from '../metrics/registry-families.js'

/**
 * Bounds of the histogram, milliseconds: doublings from a quarter up, which are bounds of the buckets recorded in too.
 */
const BOUNDS_MS = Array.from({ length: 17 }, (_, i) => 2 ** (i - 2))
const BOUNDS = BOUNDS_MS.map((ms) => bucketOf(ms * UNITS_PER_MS))

/** Of one listener; each has the labels `listener` and `service`. */
export const LISTENER_FAMILIES: readonly Family<ListenerReading>[] = [
  counter(
    'fairlead_listener_connections_total',
    'Client connections accepted.',
    ({ connections }) => connections.total,
  ),
  gauge(
    'fairlead_listener_connections_open',
    'Client connections that are open.',
    ({ connections }) => connections.active,
  ),
  split(
    'counter',
    'fairlead_listener_connections_rejected_total',
    'Client connections turned away or closed for want of an endpoint, by reason.',
    'reason',
    ({ connections: { denied, limited, malformed, handshakeFailures, failed } }) => ({
      ...{ denied, limited, malformed },
      handshake: handshakeFailures,
      unreachable: failed,
    }),
  ),
  counter('fairlead_listener_requests_total', 'HTTP requests received.', ({ requests }) => requests.total),
  gauge('fairlead_listener_requests_in_flight', 'HTTP requests under way.', ({ requests }) => requests.active),
  split(
    'counter',
    'fairlead_listener_responses_total',
    'HTTP responses by class of status; errors of gRPC are among 2xx.',
    'class',
    ({ requests }) => requests.responses,
  ),
  split(
    'counter',
    'fairlead_listener_requests_unserved_total',
    'HTTP requests that got no complete response from an endpoint, by reason.',
    'reason',
    ({ requests: { refused, timedOut, cancelled, broken } }) => ({ refused, timed_out: timedOut, cancelled, broken }),
  ),
  split(
    'counter',
    'fairlead_listener_retries_total',
    'Further attempts, of HTTP requests and of TCP connections.',
    'of',
    ({ requests, retries }) => ({ requests: requests.retries, connections: retries }),
  ),
  counter(
    'fairlead_listener_connect_failures_total',
    'Attempts to connect to an endpoint that failed.',
    (l) => l.connectFailures,
  ),
  histogram(
    'fairlead_listener_latency_seconds',
    'Time to the head of the response or, for TCP, to a connection with the endpoint.',
    BOUNDS_MS,
    latencyValue,
  ),
  counter('fairlead_listener_sent_bytes_total', 'Bytes from clients to endpoints.', ({ bytesSent }) => bytesSent),
  counter('fairlead_listener_received_bytes_total', 'Bytes from endpoints to clients.', (l) => l.bytesReceived),
  counter(
    'fairlead_listener_ejections_total',
    'Times an endpoint was taken out because its requests failed.',
    (l) => l.ejections,
  ),
  gauge('fairlead_listener_panic', 'Whether so few endpoints are healthy that all are used.', ({ panic }) => panic),
  split(
    'gauge',
    'fairlead_listener_endpoints',
    'Endpoints of the service, by what the balancer makes of them.',
    'verdict',
    ({ endpoints }) => {
      const counts: Record<string, number> = { ...NONE }
      for (const { verdict } of endpoints) counts[verdict]!++
      return counts
    },
  ),
  ...registryFamilies(
    ({ registry }: ListenerReading) => registry,
    'the endpoints known last are used',
    'that the endpoints in use are of',
  ),
]

/** Every verdict there is. */
const NONE: Readonly<Record<ListenerReading['endpoints'][number]['verdict'], number>> = {
  ...{ ready: 0, last_resort: 0, panic: 0, weight_zero: 0, drain: 0, maint: 0, balancer: 0 },
  ...{ unconnected: 0, unhealthy: 0, ejected: 0, gone: 0 },
}

function latencyValue({ endpoints, departedLatency }: ListenerReading): HistogramValue {
  const all = addLatencies([departedLatency, ...endpoints.map(({ latency }) => latency)])
  return { below: countsBefore(all, BOUNDS), count: countOf(all), sumMs: all.sumMs }
}
