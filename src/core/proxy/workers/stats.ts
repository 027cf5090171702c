import type { EndpointStats, ListenerStats } from '../meters.js'

/**
 * One listener's counters out of those of several processes. Numbers add up, but for the weight of an endpoint; what is no
 * number is the first one's, and stale is what is stale for any.
 */
export function mergeStats(all: readonly (readonly ListenerStats[])[]): readonly ListenerStats[] {
  const byListener = new Map<string, ListenerStats>()
  for (const stats of all.flat()) {
    const key = `${stats.listen} ${stats.service}`
    const known = byListener.get(key)
    byListener.set(key, known ? addListener(known, stats) : stats)
  }
  return [...byListener.values()]
}

function addListener(a: ListenerStats, b: ListenerStats): ListenerStats {
  const { endpoints, ...rest } = a
  const { endpoints: others, ...added } = b
  return { ...addCounters(rest, added), endpoints: addEndpoints(endpoints, others) }
}

function addEndpoints(a: readonly EndpointStats[], b: readonly EndpointStats[]): readonly EndpointStats[] {
  const byAddress = new Map(a.map((endpoint) => [endpoint.address, endpoint]))
  for (const endpoint of b) {
    const known = byAddress.get(endpoint.address)
    byAddress.set(endpoint.address, known ? { ...addCounters(known, endpoint), weight: known.weight } : endpoint)
  }
  return [...byAddress.values()]
}

/** Both, number by number; booleans are true where either is, and of everything else it is what `a` has. */
export function addCounters<T extends object>(a: T, b: T): T {
  const sum = (key: keyof T) => {
    const [x, y] = [a[key], b[key]]
    if (typeof x === 'number' && typeof y === 'number') return x + y
    if (typeof x === 'boolean' && typeof y === 'boolean') return x || y
    if (typeof x === 'object' && x !== null && typeof y === 'object' && y !== null) return addCounters<object>(x, y)
    return x
  }
  return Object.fromEntries((Object.keys(a) as (keyof T)[]).map((key) => [key, sum(key)])) as T
}
