import type { RegistryEvent, ServiceContents } from '../../core/discovery/registry-event.js'
import type { Endpoint } from '../../core/model/endpoint.js'
import type { JsonObject } from './document.js'
import { endpointJson, metaText } from './endpoint.js'

/** One line of `watch`. */
export interface WatchLine {
  readonly json: JsonObject & { readonly type: RegistryEvent['type']; readonly service: string | null }
  /** For people. */
  readonly text: string
  /** Of a put or a delete. */
  readonly address?: string
  readonly revision: bigint
}

/**
 * What `watch` prints of an event: one line, or for a snapshot of all services one for each (one without a service if there are
 * none, so that a reader sees that the watch stands). `service` is what is watched; undefined for all.
 */
export function watchLines(event: RegistryEvent, service: string | undefined, wallMs: number): WatchLine[] {
  const time = new Date(wallMs).toISOString()
  if (event.type === 'snapshot') {
    const { revision, services } = event
    if (services.length === 0) return [snapshotLine({ records: [], skipped: [] }, null, revision, time)]
    return services.map((contents) => snapshotLine(contents, contents.service, revision, time))
  }
  const { type, revision } = event
  const head = `${time} ${type.padEnd(8)}`
  if (type === 'live') {
    return [{ json: { type, service: service ?? null, revision, time }, text: head.trim(), revision }]
  }
  if (type === 'stale') {
    const { code, message } = event.error
    const json = { type, service: service ?? null, revision, time, error: { code, message } }
    return [{ json, text: `${head} ${message}`, revision }]
  }
  const { endpoint } = event.record
  const reason = type === 'delete' ? event.reason : undefined
  return [
    {
      json: {
        type,
        service: event.service,
        revision,
        time,
        endpoint: endpointJson(event.record),
        ...(reason === undefined ? undefined : { reason }),
      },
      text: `${head} ${event.service} ${endpoint.address} ${reason ?? describe(endpoint)}`,
      address: endpoint.address,
      revision,
    },
  ]
}

function snapshotLine(
  { records, skipped }: Pick<ServiceContents, 'records' | 'skipped'>,
  service: string | null,
  revision: bigint,
  time: string,
): WatchLine {
  const endpoints = records.map((record) => endpointJson(record))
  const addresses = records.map(({ endpoint }) => endpoint.address).join(' ')
  return {
    json: { type: 'snapshot', service, revision, time, endpoints, skipped },
    text: `${time} snapshot ${service ?? ''} ${records.length} endpoints ${addresses}`.replace('  ', ' ').trimEnd(),
    revision,
  }
}

function describe({ weight, zone, state, role, load, meta }: Endpoint): string {
  const parts = [`weight=${weight}`]
  if (zone !== undefined) parts.push(`zone=${zone}`)
  if (state !== 'ready') parts.push(state)
  if (role !== 'server') parts.push(role)
  if (load !== undefined) parts.push(`load=${load}`)
  const labels = metaText(meta)
  if (labels !== undefined) parts.push(labels)
  return parts.join(' ')
}
