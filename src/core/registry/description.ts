import { FairleadError } from '../errors.js'
import { parseAddress } from '../model/address.js'
import type { Endpoint, EndpointRole, EndpointState } from '../model/endpoint.js'
import { copyMeta } from './record.js'
import {
  faultOfId,
  faultOfLoad,
  faultOfMeta,
  faultOfRole,
  faultOfState,
  faultOfWeight,
  faultOfZone,
} from './record-fields.js'

/** What may be said of an endpoint; whatever is left out keeps its value or takes its default. */
export interface Description {
  /** 0–1000, default 1. */
  readonly weight?: number
  readonly zone?: string
  /** Default `ready`. */
  readonly state?: EndpointState
  /** How much of what the instance can do is in use, 0–1; null: not said any more. */
  readonly load?: number | null
  /** Added to what is there, entry by entry. */
  readonly meta?: Readonly<Record<string, string>>
}

/** A new endpoint. Throws INVALID_ARGUMENT naming the argument that is wrong. */
export function describeEndpoint(
  address: string,
  id: string,
  role: EndpointRole,
  description: Description = {},
): Readonly<Endpoint> {
  const parsed = parseAddress(address)
  demand(faultOfId(id))
  demand(faultOfRole(role))
  return changeEndpoint({ id, ...parsed, weight: 1, state: 'ready', role, meta: {} }, description)
}

/** `endpoint` with what `changes` says. Throws INVALID_ARGUMENT naming the argument that is wrong. */
export function changeEndpoint(endpoint: Endpoint, changes: Description): Readonly<Endpoint> {
  const { weight = endpoint.weight, zone = endpoint.zone, state = endpoint.state, load = endpoint.load } = changes
  const meta = changes.meta ? copyMeta({ ...endpoint.meta, ...changes.meta }) : endpoint.meta
  demand(faultOfWeight(weight))
  demand(faultOfZone(zone ?? ''))
  demand(faultOfState(state))
  demand(faultOfLoad(load ?? 0))
  demand(faultOfMeta(meta))
  const { zone: _zone, load: _load, ...rest } = endpoint
  const optional = { ...(zone ? { zone } : undefined), ...(load === null || load === undefined ? undefined : { load }) }
  return Object.freeze({ ...rest, weight, ...optional, state, meta })
}

function demand(fault: string | undefined): void {
  if (fault !== undefined) throw new FairleadError('INVALID_ARGUMENT', fault)
}
