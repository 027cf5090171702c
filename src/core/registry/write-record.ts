import { FairleadError } from '../errors.js'
import type { Endpoint, EndpointRole } from '../model/endpoint.js'
import { parseServiceName } from '../model/service.js'
import { type Runtime, sleep } from '../runtime.js'
import type { ConflictMode } from './claim.js'
import { changeEndpoint, describeEndpoint, type Description } from './description.js'
import { HolderWait } from './holder-wait.js'
import { KeyLayout } from './keys.js'
import { placeOf, putRecord, sight, type Sighting } from './record-access.js'
import type { CallOptions, GrantedLease, Store } from './store.js'

export interface WriteRequest extends Description {
  readonly service: string
  readonly address: string
  /** Default the address, so that writing again is an update. */
  readonly id?: string
  readonly role?: EndpointRole
  /** `permanent`: without a lease. */
  readonly ttlSeconds: number | 'permanent'
  /** Default `wait`. */
  readonly onConflict?: ConflictMode
  /** Called when another registration holds the address and its lease is waited out. */
  readonly onWaiting?: (remainingSeconds: number) => void
  readonly signal?: AbortSignal
}

export interface WrittenRecord {
  readonly endpoint: Endpoint
  /** Undefined for a permanent record. */
  readonly lease: GrantedLease | undefined
}

const MAX_ROUNDS = 16

/**
 * Writes a record that nobody keeps: under a lease that runs out, or for good. One of the same id, or without a lease, is updated: what the
 * request does not mention stays. Throws CONFLICT if another live registration holds the address, as `onConflict` has it; INVALID_ARGUMENT
 * and what the store throws.
 */
export async function writeRecord(
  store: Store,
  prefix: string,
  request: WriteRequest,
  runtime: Runtime,
): Promise<WrittenRecord> {
  const { service, address, role = 'server', signal } = request
  const fresh = describeEndpoint(address, request.id ?? address, role, request)
  const own: Endpoint = request.id === undefined ? { ...fresh, id: fresh.address } : fresh
  const place = placeOf(new KeyLayout(prefix), parseServiceName(service), own.address, role)
  const options: CallOptions = signal ? { signal } : {}
  const holder = new HolderWait()
  let lease: GrantedLease | undefined
  let seen: Sighting = await sight(store, place, options)
  for (let round = 0; round < MAX_ROUNDS;) {
    const foreign = seen.record?.endpoint?.id === own.id ? undefined : seen.record
    if (foreign && request.onConflict === 'fail') throw conflict(service, own.address, seen)
    // A record without a lease is kept by nobody.
    if (foreign && request.onConflict !== 'takeover' && foreign.lease !== 0n) {
      const look = await holder.look(store, foreign.lease, runtime.clock.now())
      if (look === 'renewed') throw conflict(service, own.address, seen)
      if (look.first) request.onWaiting?.(look.first.remainingSeconds)
      await sleep(runtime.clock, Math.min(Math.max(look.again, 50), 500), signal)
      seen = await sight(store, place, options)
      continue
    }
    round++
    if (request.ttlSeconds !== 'permanent') lease ??= await store.grantLease(request.ttlSeconds, options)
    const endpoint = updated(seen, own, request)
    const attempt = await putRecord(store, place, endpoint, lease?.id ?? 0n, seen, options)
    if (attempt.done) return { endpoint, lease }
    seen = attempt.seen
  }
  throw new FairleadError('CONFLICT', `${place.key} changes too fast to be written`, { hint: 'try again' })
}

function updated(seen: Sighting, own: Endpoint, description: Description): Endpoint {
  const there = seen.record?.endpoint
  if (!there || (there.id !== own.id && seen.record.lease !== 0n)) return own
  const { id, role, address, host, port } = own
  return changeEndpoint({ ...there, id, role, address, host, port }, description)
}

function conflict(service: string, address: string, seen: Sighting): FairleadError {
  const holder = seen.record?.endpoint?.id ?? 'an unreadable record'
  return new FairleadError('CONFLICT', `${address} of ${service} is held by ${holder}`, {
    hint: 'stop that one, or take the address over with --on-conflict takeover',
  })
}
