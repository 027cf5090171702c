import type { ServiceConfig } from '../../registry/service-config.js'

/**
 * How many per cent of its calls the clients of a service are to drop, a whole number: `dropPercent`, a field of fairlead's own, in
 * the entry `grpclb` of the service config's `loadBalancingConfig`. Clients do not look at it, they go by the lists. 0 where there is
 * none, or none that makes sense: a slip of the pen must not drop anything.
 */
export function dropPercentOf(config: ServiceConfig | undefined): number {
  const list = config?.loadBalancingConfig
  if (!Array.isArray(list)) return 0
  for (const entry of list as unknown[]) {
    const percent = ownValue(ownValue(entry, 'grpclb'), 'dropPercent')
    if (typeof percent === 'number' && percent >= 0 && percent <= 100) return Math.round(percent)
  }
  return 0
}

function ownValue(object: unknown, key: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, key)) return undefined
  return (object as Record<string, unknown>)[key]
}
