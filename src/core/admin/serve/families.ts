import type { FollowedReading } from '../../control-plane/directory/reading.js'
import { DURATION_BOUNDS_MS } from '../../control-plane/duration-counts.js'
import type { ControlPlaneReading, MeterReading, ServiceReading } from '../../control-plane/reading.js'
import { counter, type Family, gauge, histogram, type HistogramValue, split } from '../metrics/family.js'
import { registryFamilies } from '../metrics/registry-families.js'

/** Of what is spoken on streams; each has the label `protocol`. */
export const METER_FAMILIES: readonly Family<MeterReading>[] = [
  gauge('fairlead_streams_open', 'Streams of clients that are open.', ({ open }) => open),
  counter('fairlead_streams_total', 'Streams that clients began.', ({ begun }) => begun),
]

/** Of what clients report their load by; each has the label `protocol`. */
export const REPORT_FAMILIES: readonly Family<MeterReading>[] = [
  counter('fairlead_load_reports_total', 'Reports of clients about their requests.', ({ reports }) => reports),
]

/** Of protocols that clients ask for servers by; each has the label `protocol`. */
export const TELLING_FAMILIES: readonly Family<MeterReading>[] = [
  split(
    'counter',
    'fairlead_responses_total',
    'Lists and responses sent to clients, by type.',
    'type',
    ({ responses }) => responses,
  ),
  histogram(
    'fairlead_propagation_seconds',
    'Time from hearing of a change in the registry until the last client that reads was sent it.',
    DURATION_BOUNDS_MS,
    propagationValue,
  ),
]

/** Of xDS, whose clients answer what they are sent. */
export const ANSWER_FAMILIES: readonly Family<MeterReading>[] = [
  split('counter', 'fairlead_acks_total', 'Responses that clients took over, by type.', 'type', ({ acks }) => acks),
  split('counter', 'fairlead_nacks_total', 'Responses that clients refused, by type.', 'type', ({ nacks }) => nacks),
]

/** Of the control plane as a whole. */
export const WHOLE_FAMILIES: readonly Family<ControlPlaneReading & { readonly omitted: number }>[] = [
  gauge(
    'fairlead_services_followed',
    'Services that clients ask for, or did a moment ago.',
    ({ services }) => services.length,
  ),
  gauge(
    'fairlead_services_omitted',
    'Services without metrics of their own, since there are too many.',
    ({ omitted }) => omitted,
  ),
  ...registryFamilies(
    ({ directory }: ControlPlaneReading) => directory.registry,
    'the endpoints known last are told',
    'that was heard of last',
  ),
]

const of =
  <T>(read: (followed: FollowedReading) => T) =>
  ({ followed }: ServiceReading) =>
    read(followed)

/** Of one service; each has the label `service`. */
export const SERVICE_FAMILIES: readonly Family<ServiceReading>[] = [
  split(
    'gauge',
    'fairlead_service_followers',
    'Streams that ask for the service, by protocol.',
    'protocol',
    ({ followers }) => followers as Readonly<Record<string, number>>,
  ),
  gauge(
    'fairlead_service_registered',
    'Records of the service that can be read.',
    of(({ registered }) => registered),
  ),
  split(
    'gauge',
    'fairlead_service_endpoints',
    'Addresses that clients are told, by state.',
    'state',
    of(({ told }) => told),
  ),
  gauge(
    'fairlead_service_panic',
    'Whether so few endpoints are healthy that all are used.',
    of(({ panic }) => panic),
  ),
  counter(
    'fairlead_service_requests_total',
    'Requests that clients reported to have begun.',
    of(({ load }) => load.requests),
  ),
  counter(
    'fairlead_service_failures_total',
    'Requests that clients reported to have failed.',
    of(({ load }) => load.failed),
  ),
  counter(
    'fairlead_service_drops_total',
    'Requests that clients reported to have dropped, as they were told to.',
    of(({ load }) => load.dropped),
  ),
]

function propagationValue({ telling: { counts, sumMs } }: MeterReading): HistogramValue {
  let count = 0
  const below = counts.map((inBucket) => (count += inBucket))
  return { below: below.slice(0, -1), count, sumMs }
}
