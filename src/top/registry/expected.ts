import type { Endpoint } from '../../core/model/endpoint.js'

export interface Weighted {
  readonly weight: number
  /** Whether it takes new traffic at all. */
  readonly isUsable: boolean
}

/** Whether an endpoint takes new traffic, by its record and its checks. */
export function takesTraffic({ role, state }: Endpoint, isFaulty: boolean): boolean {
  return role === 'server' && state === 'ready' && !isFaulty
}

/** What part of the traffic each is to get by its weight, 0 to 1; those of weight 0 only where there is nothing else. */
export function expectedByWeight(endpoints: readonly Weighted[]): readonly number[] {
  const weights = endpoints.map(({ isUsable, weight }) => (isUsable ? weight : 0))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total > 0) return weights.map((weight) => weight / total)
  const usable = endpoints.filter(({ isUsable }) => isUsable).length
  return endpoints.map(({ isUsable }) => (isUsable ? 1 / usable : 0))
}
