import type { ServiceReading } from '../../core/discovery/read-service.js'
import type { Judged } from '../../core/discovery/selection.js'
import type { LeaseInfo } from '../../core/registry/store.js'
import type { Cell, Document, JsonObject, Table } from './document.js'
import { endpointJson, leaseText, metaText, stateCell } from './endpoint.js'

export interface ResolveDocumentOptions {
  readonly explain: boolean
  readonly times: ReadonlyMap<bigint, LeaseInfo> | undefined
}

/** The answer of `resolve`. */
export function resolveDocument(
  reading: ServiceReading,
  judged: readonly Judged[],
  { explain, times }: ResolveDocumentOptions,
): Document {
  const { service, revision, skipped } = reading
  const chosen = judged.filter(({ reason }) => reason === undefined)
  const endpoints = chosen.map(({ record }) => endpointJson(record, times?.get(record.lease)))
  const json: JsonObject = {
    service,
    revision,
    stale: false,
    endpoints,
    skipped,
    ...(explain ? { explain: explanation(reading, judged) } : undefined),
  }
  return {
    json,
    ndjson: explain ? [json] : endpoints,
    table: explain ? explainTable(reading, judged, times) : table(chosen),
    wide: explain ? explainTable(reading, judged, times) : wideTable(chosen, times),
    plain: chosen.map(({ record }) => record.endpoint.address),
  }
}

function explanation({ places, serviceConfig }: ServiceReading, judged: readonly Judged[]): JsonObject {
  return {
    read: places,
    endpoints: judged.map(({ record: { endpoint, key }, reason }) => ({
      address: endpoint.address,
      key,
      included: reason === undefined,
      ...(reason === undefined ? undefined : { reason }),
    })),
    ...(serviceConfig === undefined ? undefined : { serviceConfig }),
  }
}

function table(judged: readonly Judged[]): Table {
  return {
    columns: ['address', 'weight', 'zone', 'state', 'meta'],
    rows: judged.map(({ record: { endpoint } }) => [
      endpoint.address,
      endpoint.weight,
      endpoint.zone,
      stateCell(endpoint.state),
      metaText(endpoint.meta),
    ]),
  }
}

function wideTable(judged: readonly Judged[], times: ResolveDocumentOptions['times']): Table {
  const someSay = judged.some(({ record }) => record.endpoint.load !== undefined)
  return {
    columns: ['address', 'weight', 'zone', 'state', ...(someSay ? ['load'] : []), 'role', 'id', 'lease', 'ttl', 'meta'],
    rows: judged.map(({ record: { endpoint, lease } }) => [
      endpoint.address,
      endpoint.weight,
      endpoint.zone,
      stateCell(endpoint.state),
      ...(someSay ? [endpoint.load] : []),
      endpoint.role,
      endpoint.id,
      lease === 0n ? undefined : leaseText(lease),
      ttlCell(times?.get(lease)),
      metaText(endpoint.meta),
    ]),
  }
}

/** Every record with the reason, then the places and the service config, each as a row of its own. */
function explainTable(
  { places, serviceConfig }: ServiceReading,
  judged: readonly Judged[],
  times: ResolveDocumentOptions['times'],
): Table {
  const verdict = (reason: string | undefined): Cell =>
    reason === undefined ? { text: 'in', color: 'green' } : { text: `out: ${reason}`, color: 'yellow' }
  return {
    columns: ['what', 'verdict', 'weight', 'zone', 'state', 'ttl', 'key'],
    rows: [
      ...judged.map(({ record: { endpoint, lease, key }, reason }): Cell[] => [
        endpoint.address,
        verdict(reason),
        endpoint.weight,
        endpoint.zone,
        stateCell(endpoint.state),
        ttlCell(times?.get(lease)),
        key,
      ]),
      ...places.map(({ key, revision, keys }): Cell[] => [
        'read',
        `${keys} keys at revision ${revision}`,
        undefined,
        undefined,
        undefined,
        undefined,
        key,
      ]),
      ...(serviceConfig === undefined ? [] : [['config', JSON.stringify(serviceConfig)]]),
    ],
  }
}

function ttlCell(time: LeaseInfo | undefined): Cell {
  return time && `${time.remainingSeconds}s of ${time.ttlSeconds}s`
}
