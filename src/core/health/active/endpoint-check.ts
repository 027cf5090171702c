import type { Endpoint } from '../../model/endpoint.js'
import { type Runtime, sleep } from '../../runtime.js'
import type { Check } from '../check.js'
import type { StallGuard } from '../stall-guard.js'
import type { Gate } from './gate.js'
import { RiseAndFall } from './rise-and-fall.js'

/** Checks an endpoint once: resolves within `timeoutMs`, with undefined if it works, else with the reason. Never rejects. */
export type ProbeEndpoint = (
  check: Check,
  endpoint: Endpoint,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<string | undefined>

export interface CheckRules {
  readonly check: Check
  readonly intervalMs: number
}

/** What the checks of all endpoints share. */
export interface CheckRoom {
  readonly runtime: Runtime
  readonly probe: ProbeEndpoint
  /** Bounds how many checks are under way. */
  readonly gate: Gate
  readonly stall: StallGuard
}

/** Of the interval, at random, to either side: so that checks that began together do not stay together. */
const JITTER = 0.1
/** Bounds of the time a check may take, which is otherwise the interval. */
const LEAST_TIMEOUT_MS = 1000
const MOST_TIMEOUT_MS = 5000

/**
 * Checks an endpoint over and over until `signal` aborts. `onVerdict` hears of every change, first of all of the first
 * verdict, with the reason of the last failure. Never rejects.
 */
export async function checkEndpoint(
  endpoint: Endpoint,
  { check, intervalMs }: CheckRules,
  { runtime, probe, gate, stall }: CheckRoom,
  signal: AbortSignal,
  onVerdict: (healthy: boolean, reason: string) => void,
): Promise<void> {
  const verdict = new RiseAndFall()
  const timeoutMs = Math.min(Math.max(intervalMs, LEAST_TIMEOUT_MS), MOST_TIMEOUT_MS)
  while (await gate.enter(signal)) {
    const reason = await probe(check, endpoint, timeoutMs, signal)
    gate.leave()
    if (signal.aborted) return
    if (reason === undefined || !stall.inDoubt) {
      const changed = verdict.take(reason === undefined)
      if (changed !== undefined) onVerdict(changed, reason ?? '')
    }
    const wait = intervalMs * (1 + JITTER * (2 * runtime.random.next() - 1))
    await sleep(runtime.clock, wait, signal).catch(() => undefined)
  }
}
