import type { ControlPlaneReading, MeterReading } from '../../control-plane/reading.js'
import { type Series, seriesOf } from '../metrics/family.js'
import { PROCESS_FAMILIES } from '../metrics/process-families.js'
import type { ProcessState } from '../process.js'
import {
  ANSWER_FAMILIES,
  METER_FAMILIES,
  REPORT_FAMILIES,
  SERVICE_FAMILIES,
  TELLING_FAMILIES,
  WHOLE_FAMILIES,
} from './families.js'

/** Services with metrics of their own. Who writes to the registry must not fill Prometheus' memory. */
export const MOST_SERVICES = 1000

/** All metrics of a control plane. */
export function serveSeries(process: ProcessState, reading: ControlPlaneReading | undefined): Series[] {
  const processSeries = seriesOf(PROCESS_FAMILIES, [{ item: process, labels: {} }])
  if (!reading) return processSeries
  // Nor must clients, who can ask for services that there are none of.
  const existing = reading.services.filter(({ followed }) => followed.exists)
  const services = existing.slice(0, MOST_SERVICES)
  const omitted = existing.length - services.length
  const spoken = (meters: readonly MeterReading[]) =>
    meters.map((item) => ({ item, labels: { protocol: item.protocol } }))
  return [
    ...processSeries,
    ...seriesOf(METER_FAMILIES, spoken(reading.meters)),
    ...seriesOf(REPORT_FAMILIES, spoken(reading.meters.filter(({ protocol }) => protocol !== 'xds'))),
    ...seriesOf(TELLING_FAMILIES, spoken(reading.meters.filter(({ protocol }) => protocol !== 'lrs'))),
    ...seriesOf(ANSWER_FAMILIES, spoken(reading.meters.filter(({ protocol }) => protocol === 'xds'))),
    ...seriesOf(WHOLE_FAMILIES, [{ item: { ...reading, omitted }, labels: {} }]),
    ...seriesOf(
      SERVICE_FAMILIES,
      services.map((item) => ({ item, labels: { service: item.followed.service } })),
    ),
  ]
}
