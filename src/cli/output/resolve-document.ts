import type { PolicyOrigin } from '../../core/balancer/policy-origin.js'
import type { ServiceReading } from '../../core/discovery/read-service.js'
import type { Judged } from '../../core/discovery/selection.js'
import { type Endpoint, isReadyServer } from '../../core/model/endpoint.js'
import type { LeaseInfo } from '../../core/registry/store.js'
import type { Cell, Document, JsonObject, Table } from './document.js'
import { endpointJson, leaseText, metaText, stateCell } from './endpoint.js'
import { policyCells, policyJson, skippedCells, ttlCell, verdictCell } from './explanation.js'

export interface ResolveDocumentOptions {
  /** What --explain adds; undefined without it. */
  readonly explain: { readonly policy: PolicyOrigin } | undefined
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
    ...(explain ? { explain: explanation(reading, judged, explain.policy, times) } : undefined),
  }
  return {
    json,
    ndjson: explain ? [json] : endpoints,
    table: explain ? explainTable(reading, judged, explain.policy, times) : table(chosen),
    wide: explain ? explainTable(reading, judged, explain.policy, times) : wideTable(chosen, times),
    plain: chosen.map(({ record }) => record.endpoint.address),
  }
}

function explanation(
  { places, serviceConfig }: ServiceReading,
  judged: readonly Judged[],
  policy: PolicyOrigin,
  times: ResolveDocumentOptions['times'],
): JsonObject {
  const remark = remarks(judged)
  return {
    read: places,
    policy: policyJson(policy),
    endpoints: judged.map(({ record, reason }) => ({
      ...endpointJson(record, times?.get(record.lease)),
      key: record.key,
      included: reason === undefined,
      reason: reason ?? remark(record.endpoint),
    })),
    ...(serviceConfig === undefined ? undefined : { serviceConfig }),
  }
}

/** What there is to say about an endpoint that is in. */
function remarks(judged: readonly Judged[]): (endpoint: Endpoint) => string | undefined {
  const weighs = judged.some(({ record: { endpoint } }) => isReadyServer(endpoint) && endpoint.weight > 0)
  return (endpoint) => {
    if (!isReadyServer(endpoint) || endpoint.weight > 0) return undefined
    return weighs
      ? 'weight 0, gets nothing new while others have more'
      : 'weight 0, used because nothing of more weight exists'
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

/** Every record with the reason, then what does not count, where it was read, and the policy, each as a row of its own. */
function explainTable(
  { places, serviceConfig, skipped }: ServiceReading,
  judged: readonly Judged[],
  policy: PolicyOrigin,
  times: ResolveDocumentOptions['times'],
): Table {
  const remark = remarks(judged)
  const none = [undefined, undefined, undefined, undefined]
  return {
    columns: ['what', 'verdict', 'weight', 'zone', 'state', 'ttl', 'key'],
    rows: [
      ...judged.map(({ record: { endpoint, lease, key }, reason }): Cell[] => [
        endpoint.address,
        verdictCell(reason === undefined, reason ?? remark(endpoint)),
        endpoint.weight,
        endpoint.zone,
        stateCell(endpoint.state),
        lease === 0n ? 'no lease' : ttlCell(times?.get(lease)),
        key,
      ]),
      ...skipped.map(skippedCells),
      ...places.map(({ key, revision, keys }) => ['read', `${keys} keys at revision ${revision}`, ...none, key]),
      policyCells(policy),
      ...(serviceConfig === undefined ? [] : [['config', JSON.stringify(serviceConfig)]]),
    ],
  }
}
