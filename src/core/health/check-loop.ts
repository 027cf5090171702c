import type { Address } from '../model/address.js'
import { type Runtime, sleep } from '../runtime.js'
import type { Check } from './check.js'
import { probe } from './probe.js'

/** So many failed checks in a row make an endpoint unhealthy; one that passes makes it healthy. */
export const FAILURES_TO_UNHEALTHY = 3

/**
 * Checks an endpoint over and over, `intervalMs` after each answer, until `signal` aborts. An endpoint is unhealthy until a check passes. `onChange` is
 * called when that changes, with the reason of the last failure. Never rejects.
 */
export async function watchHealth(
  check: Check,
  address: Address,
  intervalMs: number,
  runtime: Runtime,
  signal: AbortSignal,
  onChange: (healthy: boolean, reason?: string) => void,
): Promise<void> {
  let healthy = false
  let failures = 0
  while (!signal.aborted) {
    const reason = await probe(check, address, Math.max(intervalMs, 1000), runtime.clock, signal)
    if (signal.aborted) return
    if (reason === undefined) {
      failures = 0
      if (!healthy) onChange((healthy = true))
    } else {
      runtime.log.info('the check failed', { address: address.address, reason })
      if (++failures === FAILURES_TO_UNHEALTHY && healthy) onChange((healthy = false), reason)
    }
    await sleep(runtime.clock, intervalMs, signal).catch(() => undefined)
  }
}
