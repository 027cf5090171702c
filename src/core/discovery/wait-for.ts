import { FairleadError, isRefusal } from '../errors.js'
import { type Endpoint, isReadyServer } from '../model/endpoint.js'
import type { Runtime } from '../runtime.js'
import { HealthyCount, type Probe } from './healthy-count.js'
import type { Resolver } from './resolution.js'

/** What to wait for: that many usable endpoints, that many that pass a probe, or none of any kind. */
export type Condition = { readonly kind: 'endpoints' | 'healthy'; readonly count: number } | { readonly kind: 'gone' }

export interface WaitOptions {
  /** Milliseconds until the wait is given up. */
  readonly timeoutMs: number
  /** How `healthy` is told. */
  readonly probe: Probe
}

/** What fulfilled a wait. */
export interface Fulfilled {
  readonly revision: bigint
  /** Those that count for the condition, sorted by address: for `healthy` the ones that passed the probe. */
  readonly endpoints: readonly Endpoint[]
}

/** Reads `endpoints=N`, `healthy=N` or `gone`. Throws INVALID_ARGUMENT. */
export function parseCondition(text: string): Condition {
  if (text === 'gone') return { kind: 'gone' }
  const match = /^(endpoints|healthy)=(\d{1,7})$/.exec(text)
  const count = Number(match?.[2])
  if (match && count > 0) return { kind: match[1] as 'endpoints' | 'healthy', count }
  throw new FairleadError('INVALID_ARGUMENT', `bad condition ${JSON.stringify(text)}`, {
    hint: 'use endpoints=N or healthy=N with N of 1 or more, or gone',
  })
}

/**
 * Waits until a service is as asked for, through outages of the registry too. What was known before an outage does not count until
 * the registry is back. Fails with TIMEOUT, telling what was seen; with UNAUTHENTICATED or PERMISSION_DENIED if the registry refuses
 * from the start; with the signal's reason when it aborts.
 */
export async function waitFor(
  resolver: Resolver,
  service: string,
  condition: Condition,
  options: WaitOptions,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<Fulfilled> {
  const ended = new AbortController()
  const onAbort = () => ended.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const cancelTimer = runtime.clock.after(options.timeoutMs, () => ended.abort())
  const healthy =
    condition.kind === 'healthy'
      ? new HealthyCount(condition.count, options.probe, runtime.clock, () => ended.abort())
      : undefined
  let revision: bigint | undefined
  let seen: readonly Endpoint[] = []
  let error: FairleadError | undefined
  try {
    for await (const resolution of resolver.resolve(service, ended.signal)) {
      if (resolution.kind === 'stale') {
        error = resolution.error
        if (revision === undefined && isRefusal(error)) throw error
        continue
      }
      error = undefined
      revision = resolution.snapshot.revision
      const { endpoints } = resolution.snapshot
      seen = condition.kind === 'gone' ? endpoints : endpoints.filter(isReadyServer)
      if (isFulfilled(condition, seen.length)) return { revision, endpoints: seen }
      healthy?.check(seen)
    }
  } finally {
    cancelTimer()
    healthy?.stop()
    signal.removeEventListener('abort', onAbort)
  }
  if (healthy?.passed) return { revision: revision!, endpoints: healthy.passed }
  if (signal.aborted) throw signal.reason
  throw timeoutError(service, condition, options.timeoutMs, { isKnown: revision !== undefined, seen, error, healthy })
}

/** Whether so many endpoints are what was waited for; `healthy` is never told by counting alone. */
function isFulfilled(condition: Condition, count: number): boolean {
  if (condition.kind === 'gone') return count === 0
  return condition.kind === 'endpoints' && count >= condition.count
}

interface Seen {
  readonly isKnown: boolean
  readonly seen: readonly Endpoint[]
  readonly error: FairleadError | undefined
  readonly healthy: HealthyCount | undefined
}

function timeoutError(service: string, condition: Condition, ms: number, { isKnown, seen, error, healthy }: Seen) {
  const missing = condition.kind === 'gone' ? 'has not gone' : `has not come to ${condition.kind}=${condition.count}`
  const facts: string[] = []
  if (!isKnown) facts.push(error ? 'the registry never answered' : 'the registry has not answered yet')
  else if (seen.length === 0) facts.push('nothing is registered that could count')
  else facts.push(`${seen.length} registered: ${names(seen)}`)
  for (const [address, reason] of healthy?.failures ?? []) facts.push(`${address}: ${reason}`)
  if (error) facts.push(error.message)
  return new FairleadError('TIMEOUT', `service ${JSON.stringify(service)} ${missing} within ${ms / 1000} s`, {
    hint: facts.join('; '),
  })
}

/** A few addresses, for a message. */
function names(endpoints: readonly Endpoint[]): string {
  const shown = endpoints.slice(0, 5).map(({ address }) => address)
  return endpoints.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ')
}
