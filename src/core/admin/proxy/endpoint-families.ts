import { isEligible, type EndpointReading } from '../../proxy/reading.js'
import { countOf } from './latencies.js'
import { counter, type Family, gauge, split } from '../metrics/family.js'

const LATENCY = 'fairlead_endpoint_latency_seconds'

/** Of one endpoint behind one listener; each has the labels `listener`, `service` and `endpoint`. */
export const ENDPOINT_FAMILIES: readonly Family<EndpointReading>[] = [
  counter(
    'fairlead_endpoint_picks_total',
    'HTTP requests or TCP connections sent to the endpoint; a retry counts again.',
    (e) => e.picks,
  ),
  gauge('fairlead_endpoint_in_flight', 'HTTP requests or TCP connections under way.', ({ inFlight }) => inFlight),
  split(
    'counter',
    'fairlead_endpoint_outcomes_total',
    'Ends that say something about the endpoint, by what they say.',
    'outcome',
    ({ succeeded, failed }) => ({ success: succeeded, failure: failed }),
  ),
  {
    name: LATENCY,
    type: 'summary',
    help: 'Time to the head of the response or, for TCP, to the connection.',
    values: ({ latency }) => [
      { value: latency.sumMs / 1000, metricName: `${LATENCY}_sum` },
      { value: countOf(latency), metricName: `${LATENCY}_count` },
    ],
  },
  counter('fairlead_endpoint_connections_total', 'Connections established to the endpoint.', ({ total }) => total),
  gauge('fairlead_endpoint_connections_open', 'Connections to the endpoint that are open.', ({ active }) => active),
  counter('fairlead_endpoint_connect_failures_total', 'Attempts to connect that failed.', (e) => e.connectFailures),
  counter('fairlead_endpoint_sent_bytes_total', 'Bytes from clients to the endpoint.', ({ bytesSent }) => bytesSent),
  counter('fairlead_endpoint_received_bytes_total', 'Bytes from the endpoint to clients.', (e) => e.bytesReceived),
  counter(
    'fairlead_endpoint_ejections_total',
    'Times it was taken out because its requests failed.',
    (e) => e.ejections,
  ),
  gauge('fairlead_endpoint_eligible', 'Whether it takes new traffic.', isEligible),
  gauge(
    'fairlead_endpoint_healthy',
    'Whether it passes its checks and is not ejected, in every worker.',
    ({ health }) => health === 'healthy',
  ),
  gauge('fairlead_endpoint_weight', 'The weight that the policy goes by.', ({ effectiveWeight }) => effectiveWeight),
  gauge(
    'fairlead_endpoint_expected_ratio',
    'The share of the traffic that the policy aims at, 0 to 1.',
    (e) => e.expectedShare,
  ),
]
