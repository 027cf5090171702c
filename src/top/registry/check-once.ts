import { readService } from '../../core/discovery/read-service.js'
import type { Check } from '../../core/health/check.js'
import { probe } from '../../core/health/probe.js'
import { inParallel } from '../../core/in-parallel.js'
import { byAddress } from '../../core/model/order.js'
import type { Registered } from '../../core/registry/record.js'
import type { Store } from '../../core/registry/store.js'
import type { Clock } from '../../core/runtime.js'
import { expectedByWeight, takesTraffic } from './expected.js'

const AT_ONCE = 64

export interface CheckedService {
  readonly service: string
  readonly revision: bigint
  /** Sorted by address. */
  readonly endpoints: readonly CheckedEndpoint[]
}

export interface CheckedEndpoint {
  readonly record: Registered
  /** Its part of the traffic by weight, 0 to 1. */
  readonly expected: number
  /** How long a check that went well took, milliseconds; undefined for a failed one, and for balancers, which are not checked. */
  readonly checkMs: number | undefined
  /** Why the check failed. */
  readonly fault: string | undefined
}

export interface CheckOnceOptions {
  readonly store: Pick<Store, 'list' | 'get'>
  readonly prefix: string
  readonly check: Check
  /** For how long each check is waited for, milliseconds. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Reads a service and checks each of its servers once. Rejects as the store does, and with the reason of `signal`. */
export async function checkOnce(service: string, options: CheckOnceOptions): Promise<CheckedService> {
  const { store, prefix, check, timeoutMs, clock, signal } = options
  const { records, revision } = await readService(store, prefix, service, { signal })
  const checked = records.map((record) => ({
    record,
    checkMs: undefined as number | undefined,
    fault: undefined as string | undefined,
  }))
  await inParallel(checked, AT_ONCE, async (each) => {
    const { endpoint } = each.record
    if (endpoint.role === 'balancer') return
    const begun = clock.now()
    each.fault = await probe(check, endpoint, timeoutMs, clock, signal)
    if (each.fault === undefined) each.checkMs = clock.now() - begun
  })
  signal.throwIfAborted()
  const endpoints = checked.sort((a, b) => byAddress(a.record.endpoint, b.record.endpoint))
  const expected = expectedByWeight(endpoints.map(usable))
  return { service, revision, endpoints: endpoints.map((each, i) => ({ ...each, expected: expected[i]! })) }
}

function usable({ record, fault }: Pick<CheckedEndpoint, 'record' | 'fault'>) {
  const { endpoint } = record
  return { weight: endpoint.weight, isUsable: takesTraffic(endpoint, fault !== undefined) }
}
