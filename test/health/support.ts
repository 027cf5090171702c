import { createBalancer } from '../../src/core/balancer/balancer.js'
import type { ProbeEndpoint } from '../../src/core/health/active/endpoint-check.js'
import type { Check } from '../../src/core/health/check.js'
import { Gate } from '../../src/core/health/active/gate.js'
import { type HealthChange, HealthMonitor, type HealthOptions } from '../../src/core/health/monitor.js'
import { StallGuard } from '../../src/core/health/stall-guard.js'
import { silentLogger } from '../../src/core/runtime.js'
import { snapshot } from '../support/balancing.js'
import { ManualClock } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'
import type { Endpoint } from '../../src/core/model/endpoint.js'

export const TCP: Check = { kind: 'tcp' }

/** A balancer and who watches over it, on a manual clock. `failing` says why the checks of an address fail. */
export function startMonitor(
  options: HealthOptions,
  endpoints: readonly Endpoint[],
  serviceConfig?: object,
  places = 100,
) {
  const clock = new ManualClock()
  const runtime = { clock, random: seededRandom(7), log: silentLogger }
  const failing = new Map<string, string>()
  const probes: { address: string; at: number }[] = []
  /** Checks under way, and how many that were at most. */
  const room = { now: 0, peak: 0 }
  const answer: ProbeEndpoint = async (_check, { address }) => {
    probes.push({ address, at: clock.now() })
    room.peak = Math.max(room.peak, ++room.now)
    await Promise.resolve()
    room.now--
    return failing.get(address)
  }
  const stall = new StallGuard(clock)
  stall.start()
  const balancer = createBalancer({}, runtime)
  const changes: HealthChange[] = []
  const shared = { runtime, probe: answer, gate: new Gate(places), stall }
  const monitor = new HealthMonitor(options, balancer, shared, (change) => changes.push(change))
  const update = (next: readonly Endpoint[], config = serviceConfig) => {
    balancer.update({ ...snapshot([...next]), ...(config && { serviceConfig: { ...config } }) })
  }
  update(endpoints)
  const upstreamOf = ({ address }: Endpoint) =>
    balancer.status().upstreams.find(({ upstream }) => upstream.endpoint.address === address)!.upstream
  /** Has requests to an endpoint end, without asking the policy. */
  const end = (endpoint: Endpoint, ok: boolean | undefined, times = 1) => {
    for (let i = 0; i < times; i++) balancer.pick({ prefer: endpoint.address }).done({ ok })
  }
  return { balancer, clock, failing, probes, room, changes, monitor, update, upstreamOf, end }
}
