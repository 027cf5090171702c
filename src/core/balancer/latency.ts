import type { LoadTable } from './load-table.js'

/** How fast an estimate forgets: after this long an old value counts for 1/e. Finagle's default. */
const DECAY_MS = 10_000

/** What a failed request counts as at least, so that an endpoint that fails at once does not look fast. */
const FAILURE_MS = 1_000

/*
 * A peak-sensitive moving average of latency (Finagle's PeakEwma), kept in a load table: a slower answer counts at once
 * and in full, faster ones are approached over time, and with nothing heard the estimate decays towards zero, so that a
 * slow endpoint is tried again.
 */

/** Whether anything has been observed yet. */
export function isLatencySeen(loads: LoadTable, slot: number): boolean {
  return loads.latency[2 * slot]! >= 0
}

/** Takes in how a request ended at `now` (monotonic milliseconds). A success without a latency says nothing, nor does one of no outcome. */
export function observeLatency(
  loads: LoadTable,
  slot: number,
  ok: boolean | undefined,
  latencyMs: number | undefined,
  now: number,
): void {
  if (ok === undefined || (ok && latencyMs === undefined)) return
  const sample = ok ? latencyMs! : Math.max(latencyMs ?? 0, FAILURE_MS)
  const value = Math.max(0, loads.latency[2 * slot]!)
  const kept = Math.exp((loads.latency[2 * slot + 1]! - now) / DECAY_MS)
  const decayed = value * kept
  loads.latency[2 * slot] = sample > decayed ? sample : decayed + sample * (1 - kept)
  loads.latency[2 * slot + 1] = now
}

/** The estimate at `now` (monotonic milliseconds), in milliseconds; 0 before anything was observed. */
export function latencyAt(loads: LoadTable, slot: number, now: number): number {
  return Math.max(0, loads.latency[2 * slot]!) * Math.exp((loads.latency[2 * slot + 1]! - now) / DECAY_MS)
}

/**
 * The estimate of `a` over that of `b`, both seen, at any one moment. Both decay at the same rate, so no clock is
 * needed: the time since either was last told cancels out.
 */
export function latencyRatio(loads: LoadTable, a: number, b: number): number {
  const { latency } = loads
  const ratio = latency[2 * a]! / latency[2 * b]!
  const apart = latency[2 * a + 1]! - latency[2 * b + 1]!
  return apart === 0 ? ratio : ratio * Math.exp(apart / DECAY_MS)
}

/** Forgets everything: the endpoint behind it is another one now. */
export function resetLatency(loads: LoadTable, slot: number): void {
  loads.latency[2 * slot] = -1
}
