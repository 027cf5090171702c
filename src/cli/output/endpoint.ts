import type { Endpoint } from '../../core/model/endpoint.js'
import type { Registered } from '../../core/registry/record.js'
import type { LeaseInfo } from '../../core/registry/store.js'
import type { Cell, JsonObject } from './document.js'

/** A registered endpoint as JSON. `lease` is in hexadecimal, as etcdctl has it; `ttl` is what is left of it, seconds. */
export function endpointJson(
  { endpoint, lease }: Pick<Registered, 'endpoint' | 'lease'>,
  time?: LeaseInfo,
): JsonObject {
  const { id, address, host, port, weight, zone, state, role, load, meta } = endpoint
  return {
    id,
    address,
    host,
    port,
    weight,
    ...(zone === undefined ? undefined : { zone }),
    state,
    role,
    ...(load === undefined ? undefined : { load }),
    meta: { ...meta },
    ...(lease === 0n ? undefined : { lease: leaseText(lease) }),
    ...(time === undefined ? undefined : { ttl: time.remainingSeconds, grantedTtl: time.ttlSeconds }),
  }
}

export function leaseText(lease: bigint): string {
  return lease.toString(16)
}

export function stateCell(state: Endpoint['state']): Cell {
  return { text: state, color: state === 'ready' ? 'green' : state === 'drain' ? 'yellow' : 'red' }
}

/** `k=v k=v`; undefined without any. */
export function metaText(meta: Endpoint['meta']): string | undefined {
  const pairs = Object.entries(meta).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? undefined : pairs.join(' ')
}
