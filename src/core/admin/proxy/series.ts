import type { EndpointReading, ListenerReading } from '../../proxy/reading.js'
import { type Family, gauge, type Labelled, type Labels, type Series, seriesOf } from '../metrics/family.js'
import { PROCESS_FAMILIES } from '../metrics/process-families.js'
import type { ProcessState } from '../process.js'
import { ENDPOINT_FAMILIES } from './endpoint-families.js'
import { LISTENER_FAMILIES } from './listener-families.js'

/**
 * Endpoints with metrics of their own, of all listeners together. Who writes to the registry must not fill Prometheus'
 * memory.
 */
export const MOST_ENDPOINTS = 5000

interface Whole {
  readonly workers: number
  /** Endpoints that are left out, for there are too many. */
  readonly omitted: number
}

const WHOLE_FAMILIES: readonly Family<Whole>[] = [
  gauge('fairlead_workers', 'Processes that share the listeners.', ({ workers }) => workers),
  gauge(
    'fairlead_endpoints_omitted',
    'Endpoints without metrics of their own, since there are too many.',
    ({ omitted }) => omitted,
  ),
]

/** All metrics of a proxy. */
export function proxySeries(process: ProcessState, readings: readonly ListenerReading[]): Series[] {
  const listeners = readings.map((item) => ({ item, labels: labelsOf(item) }))
  const all = listeners.flatMap(({ item, labels }) => endpointsOf(item, labels))
  const endpoints = all.slice(0, MOST_ENDPOINTS)
  const whole = { workers: process.workers, omitted: all.length - endpoints.length }
  return [
    ...seriesOf(PROCESS_FAMILIES, [{ item: process, labels: {} }]),
    ...seriesOf(WHOLE_FAMILIES, [{ item: whole, labels: {} }]),
    ...seriesOf(LISTENER_FAMILIES, listeners),
    ...seriesOf(ENDPOINT_FAMILIES, endpoints),
  ]
}

/** A fixed list of addresses names no service, and can be of any length. */
function labelsOf({ listen, service, source }: ListenerReading): Labels {
  return { listener: listen, service: source === 'registry' ? service : 'static' }
}

function endpointsOf({ endpoints }: ListenerReading, labels: Labels): Labelled<EndpointReading>[] {
  const servers = endpoints.filter(({ role }) => role === 'server')
  return servers.map((item) => ({ item, labels: { ...labels, endpoint: item.address } }))
}
