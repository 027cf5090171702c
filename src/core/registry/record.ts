import { isUtf8 } from 'node:buffer'
import { tryParseAddress } from '../model/address.js'
import type { Endpoint, EndpointRole, EndpointState } from '../model/endpoint.js'
import type { SkippedRecord } from '../model/snapshot.js'
import {
  faultOfId,
  faultOfLoad,
  faultOfMeta,
  faultOfRole,
  faultOfState,
  faultOfWeight,
  faultOfZone,
  show,
} from './record-fields.js'
import type { Entry } from './store.js'

/** A larger value is no record. */
export const MAX_RECORD_BYTES = 64 * 1024

const NO_META: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>)

/** A record that could be read: the endpoint, and how the registry holds it. */
export interface Registered {
  readonly endpoint: Endpoint
  readonly key: string
  /** The lease the record is bound to, 0n for none. */
  readonly lease: bigint
  readonly createRevision: bigint
  readonly modRevision: bigint
}

/**
 * The value of a record: one JSON object that etcd's Go `naming/endpoints` reads as well, on one line, fields always in the
 * same order.
 */
export function encodeRecord(endpoint: Endpoint): string {
  const { id, address, weight, zone, state, role, load, meta } = endpoint
  const optional = { ...(zone === undefined ? {} : { zone }), state, role, ...(load === undefined ? {} : { load }) }
  const metadata = { id, weight, ...optional, meta }
  return JSON.stringify({ Op: 0, Addr: address, Metadata: metadata })
}

/**
 * Reads a record in any of the forms that fairlead and others write: an empty value (the address is the key's end), a bare
 * `host:port`, or a JSON object with `Addr` and `Metadata`, field names in any case. Never throws: what cannot be read
 * comes back with the reason. A missing field takes its default; one of a wrong type or out of range makes the record unreadable, because
 * guessing a weight or a state would send traffic where nobody asked for it.
 *
 * @param tail what follows the service in the key; its last part may be an address, and counts if the value has none.
 * @param place the role that the key stands for: whatever lies among the balancers is one, whatever its value says.
 */
export function decodeRecord(entry: Entry, tail: string, place: EndpointRole): Registered | SkippedRecord {
  const endpoint = decodeEndpoint(entry.value, tail, place)
  if (typeof endpoint === 'string') return { key: entry.key, reason: endpoint }
  const { key, lease, createRevision, modRevision } = entry
  return { endpoint, key, lease, createRevision, modRevision }
}

function decodeEndpoint(value: Buffer, tail: string, place: EndpointRole): Endpoint | string {
  if (value.length > MAX_RECORD_BYTES) return `the value is larger than ${MAX_RECORD_BYTES} bytes`
  if (!isUtf8(value)) return 'the value is not UTF-8 text'
  const text = value.toString().trim()
  const fields = text.startsWith('{') ? decodeJson(text) : { ...NOTHING, address: text }
  if (typeof fields === 'string') return fields

  const end = tail.slice(tail.lastIndexOf('/') + 1)
  const parsed = tryParseAddress(fields.address || end)
  if (typeof parsed === 'string') {
    if (fields.address) return `bad address ${show(fields.address)}: ${parsed}`
    return `no address in the value, and the end of the key, ${show(end)}, is none: ${parsed}`
  }
  const { address, host, port } = parsed
  const { id, weight, zone, state, role, load, meta } = fields
  return Object.freeze({
    id: id ?? address,
    address,
    host,
    port,
    weight: weight ?? 1,
    ...(zone ? { zone } : undefined),
    state: state ?? 'ready',
    role: place === 'balancer' ? place : (role ?? 'server'),
    ...(load === undefined ? undefined : { load }),
    meta: meta ?? NO_META,
  })
}

interface Fields {
  address: string
  id: string | undefined
  weight: number | undefined
  zone: string | undefined
  state: EndpointState | undefined
  role: EndpointRole | undefined
  load: number | undefined
  meta: Readonly<Record<string, string>> | undefined
}

const NOTHING: Readonly<Fields> = {
  address: '',
  id: undefined,
  weight: undefined,
  zone: undefined,
  state: undefined,
  role: undefined,
  load: undefined,
  meta: undefined,
}

function decodeJson(text: string): Fields | string {
  let raw: Record<string, unknown>
  try {
    raw = JSON.parse(text) as Record<string, unknown>
  } catch {
    return `the value is not JSON: ${show(text)}`
  }
  const fields: Fields = { ...NOTHING }
  for (const name of Object.keys(raw)) {
    const value = raw[name]
    if (value === null) continue
    const known = name.toLowerCase()
    if (known === 'addr') {
      if (typeof value !== 'string') return `Addr must be a text, not ${show(value)}`
      fields.address = value.trim()
    } else if (known === 'metadata' && typeof value === 'object' && !Array.isArray(value)) {
      const fault = readMetadata(value as Record<string, unknown>, fields)
      if (fault !== undefined) return fault
    }
  }
  return fields
}

/** Metadata that is not an object is some other program's, and says nothing to us; so are fields of other names. */
function readMetadata(raw: Record<string, unknown>, fields: Fields): string | undefined {
  for (const name of Object.keys(raw)) {
    const value = raw[name]
    if (value === null) continue
    const fault = readField(name.toLowerCase(), value, fields)
    if (fault !== undefined) return fault
  }
  return undefined
}

function readField(name: string, value: unknown, fields: Fields): string | undefined {
  let fault: string | undefined
  switch (name) {
    case 'id':
      if ((fault = faultOfId(value)) === undefined) fields.id = value as string
      break
    case 'weight':
      if ((fault = faultOfWeight(value)) === undefined) fields.weight = value as number
      break
    case 'zone':
      if ((fault = faultOfZone(value)) === undefined) fields.zone = value as string
      break
    case 'state':
      if ((fault = faultOfState(value)) === undefined) fields.state = value as EndpointState
      break
    case 'role':
      if ((fault = faultOfRole(value)) === undefined) fields.role = value as EndpointRole
      break
    case 'load':
      if ((fault = faultOfLoad(value)) === undefined) fields.load = value as number
      break
    case 'meta':
      if ((fault = faultOfMeta(value)) === undefined) fields.meta = copyMeta(value as Record<string, string>)
      break
  }
  return fault
}

/** A copy without a prototype: a key such as `__proto__` is an entry like any other. */
export function copyMeta(meta: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const keys = Object.keys(meta)
  if (keys.length === 0) return NO_META
  const copy = Object.create(null) as Record<string, string>
  for (const key of keys) copy[key] = meta[key]!
  return Object.freeze(copy)
}
