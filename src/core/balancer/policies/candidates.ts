import type { PickRequest } from '../policy.js'
import type { Upstream } from '../upstream.js'

/** Whether the request has already failed on this upstream. */
export function isExcluded(upstream: Upstream, request: PickRequest): boolean {
  return request.exclude?.includes(upstream) ?? false
}

/**
 * The index of the first candidate at or after `from`, going round, that is not excluded; -1 when all are. Candidates
 * are distinct, so this looks at no more than one of them for each excluded upstream, plus one.
 */
export function nextAllowed(candidates: readonly Upstream[], from: number, request: PickRequest): number {
  if (request.exclude === undefined) return from
  let index = from
  for (let left = candidates.length; left > 0; left--) {
    if (!isExcluded(candidates[index]!, request)) return index
    if (++index === candidates.length) index = 0
  }
  return -1
}

/** The weights of a set of candidates. When all are zero, nothing else exists and all count alike. */
export function weightsOf(candidates: readonly Upstream[]): Float64Array {
  const weights = Float64Array.from(candidates, (upstream) => upstream.weight)
  return weights.some((weight) => weight > 0) ? weights : weights.fill(1)
}

/** The slots of a set of candidates in the load table that they share. */
export function slotsOf(candidates: readonly Upstream[]): Int32Array {
  return Int32Array.from(candidates, (upstream) => upstream.slot)
}

/**
 * Where a turn that stood before `order[next]` stands in `candidates`: at the first upstream from there on that is
 * still among them.
 */
export function resumeAt(candidates: readonly Upstream[], order: readonly Upstream[], next: number): number {
  const positions = new Map(candidates.map((upstream, index) => [upstream, index]))
  for (let step = 0; step < order.length; step++) {
    const position = positions.get(order[(next + step) % order.length]!)
    if (position !== undefined) return position
  }
  return 0
}
