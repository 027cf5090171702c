import { LoadTable } from '../../src/core/balancer/load-table.js'
import { Upstream } from '../../src/core/balancer/upstream.js'
import type { Endpoint } from '../../src/core/model/endpoint.js'
import type { Snapshot } from '../../src/core/model/snapshot.js'
import { type Runtime, silentLogger } from '../../src/core/runtime.js'
import { ManualClock } from './manual-clock.js'
import { seededRandom } from './seeded-random.js'

/** The `n`th endpoint: ready, of weight 1, unless `fields` say otherwise. */
export function endpoint(n: number, fields: Partial<Endpoint> = {}): Endpoint {
  const host = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
  const address = `${host}:80`
  return { id: address, address, host, port: 80, weight: 1, state: 'ready', role: 'server', meta: {}, ...fields }
}

export function snapshot(endpoints: readonly Endpoint[]): Snapshot {
  return { service: 'web', revision: 1n, endpoints, skipped: [] }
}

/** A standing clock and seeded chance. */
export function runtime(seed = 1): Runtime & { readonly clock: ManualClock } {
  return { clock: new ManualClock(), random: seededRandom(seed), log: silentLogger }
}

/** Upstreams that can be candidates of one picker. */
export function upstreamsOf(endpoints: readonly Endpoint[]): Upstream[] {
  const loads = new LoadTable()
  return endpoints.map((each) => new Upstream(each, loads))
}
