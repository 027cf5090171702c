import { FairleadError } from '../errors.js'
import type { Endpoint } from '../model/endpoint.js'
import { byAddress } from '../model/order.js'
import { isServiceName } from '../model/service.js'
import type { Snapshot } from '../model/snapshot.js'
import { decodeRecord, encodeRecord } from '../registry/record.js'

const SCHEMA_VERSION = 1

/** The text of a snapshot file: endpoints in the form their records have in the registry. */
export function encodeSnapshots(prefix: string, snapshots: Iterable<Snapshot>): string {
  const services = [...snapshots].map(({ service, revision, endpoints, serviceConfig }) => ({
    service,
    revision: String(revision),
    endpoints: endpoints.map((endpoint) => JSON.parse(encodeRecord(endpoint)) as unknown),
    ...(serviceConfig === undefined ? undefined : { serviceConfig }),
  }))
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, prefix, services })}\n`
}

/**
 * Reads a snapshot file, which is no more trusted than the registry: endpoints that are none are left out. Throws INVALID_ARGUMENT
 * if it is no snapshot file, or one of another prefix.
 */
export function decodeSnapshots(prefix: string, text: string): ReadonlyMap<string, Snapshot> {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw invalid('it is not JSON')
  }
  if (!isObject(document) || document.schemaVersion !== SCHEMA_VERSION) throw invalid('it is no snapshot file')
  if (document.prefix !== prefix) throw invalid(`it was written for prefix ${JSON.stringify(document.prefix)}`)
  const { services } = document
  if (!Array.isArray(services)) throw invalid('it has no list of services')
  const snapshots = services.map(decodeService).filter((snapshot) => snapshot !== undefined)
  return new Map(snapshots.map((snapshot) => [snapshot.service, snapshot]))
}

function decodeService(raw: unknown): Snapshot | undefined {
  if (!isObject(raw) || typeof raw.service !== 'string' || !isServiceName(raw.service)) return undefined
  const { service, revision, endpoints, serviceConfig } = raw
  const found = new Map<string, Endpoint>()
  for (const record of Array.isArray(endpoints) ? (endpoints as unknown[]) : []) {
    const endpoint = isObject(record) ? decodeEndpoint(record) : undefined
    if (endpoint) found.set(endpoint.address, endpoint)
  }
  return Object.freeze({
    service,
    revision: typeof revision === 'string' && /^\d{1,19}$/.test(revision) ? BigInt(revision) : 0n,
    endpoints: Object.freeze([...found.values()].sort(byAddress)),
    skipped: Object.freeze([]),
    ...(isObject(serviceConfig) ? { serviceConfig: Object.freeze(serviceConfig) } : undefined),
  })
}

function decodeEndpoint(record: Record<string, unknown>): Endpoint | undefined {
  const none = { createRevision: 0n, modRevision: 0n, version: 0n, lease: 0n }
  const decoded = decodeRecord({ key: '', value: Buffer.from(JSON.stringify(record)), ...none }, '', 'server')
  return 'endpoint' in decoded ? decoded.endpoint : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(reason: string): FairleadError {
  return new FairleadError('INVALID_ARGUMENT', `not a usable snapshot file: ${reason}`)
}
