import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import type { Balancer } from '../../src/core/balancer/contract.js'
import type { HealthRules, HealthWatcher } from '../../src/core/balancer/health.js'
import type { PolicyName } from '../../src/core/balancer/policies/index.js'
import { choosePolicy } from '../../src/core/balancer/service-config.js'
import { DEFAULT_SLOW_START, Ramp } from '../../src/core/balancer/slow-start.js'
import type { Upstream } from '../../src/core/balancer/upstream.js'
import { silentLogger } from '../../src/core/runtime.js'
import { endpoint, snapshot } from '../support/balancing.js'
import { ManualClock } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

/** Writes down what it is told. */
class Recorder implements HealthWatcher {
  readonly told: string[] = []
  readonly observed: string[] = []

  joined({ endpoint: { id } }: Upstream) {
    this.told.push(`+${id}`)
    return { observe: (ok: boolean) => void this.observed.push(`${id} ${ok}`) }
  }

  left({ endpoint: { id } }: Upstream) {
    this.told.push(`-${id}`)
  }

  configure() {}

  panicChanged(panic: boolean) {
    this.told.push(`panic ${panic}`)
  }
}

function start(policy: PolicyName = 'round_robin', rules: HealthRules = { panicPercent: 50 }) {
  const clock = new ManualClock()
  const runtime = { clock, random: seededRandom(1), log: silentLogger }
  let builds = 0
  const choice = choosePolicy(policy)
  const build: typeof choice.policy.build = (...args) => {
    builds++
    return choice.policy.build(...args)
  }
  const balancer = createBalancer({ policy: { ...choice, policy: { ...choice.policy, build } } }, runtime)
  const recorder = new Recorder()
  balancer.supervise(recorder, rules)
  return { balancer, clock, recorder, builds: () => builds }
}

const upstream = (balancer: Balancer, n: number) =>
  balancer.status().upstreams.find((each) => each.upstream.endpoint.address === endpoint(n).address)!.upstream

const verdicts = (balancer: Balancer) => balancer.status().upstreams.map(({ verdict }) => verdict)

/** How often each endpoint is picked, by its number. */
function count(balancer: Balancer, picks: number, numbers: number): number[] {
  const counts = Array.from({ length: numbers }, () => 0)
  for (let i = 0; i < picks; i++) {
    const picked = balancer.pick({})
    counts[Number(picked.upstream.endpoint.host.split('.').at(-1)) - 1]!++
    picked.done({ ok: undefined })
  }
  return counts
}

/** Counts that stray from the shares of these weights by a pick at most. */
function expectShares(counts: number[], weights: number[]): void {
  const picks = counts.reduce((sum, each) => sum + each, 0)
  const total = weights.reduce((sum, each) => sum + each, 0)
  const strays = counts.map((each, i) => Math.abs(each - (picks * weights[i]!) / total))
  expect(Math.max(...strays), `${counts.join(' ')} for ${weights.join(' ')}`).toBeLessThanOrEqual(1)
}

const endpoints = (numbers: number, fields = {}) => Array.from({ length: numbers }, (_, i) => endpoint(i + 1, fields))

describe('faults', () => {
  it('take an endpoint out and bring it back, and status says why', async () => {
    const { balancer, clock } = start()
    balancer.update(snapshot(endpoints(3)))
    balancer.setFault(upstream(balancer, 2), 'ejected', true)
    await clock.advance(10)
    expect(verdicts(balancer)).toEqual(['ready', 'ejected', 'ready'])
    expect(count(balancer, 10, 3)).toEqual([5, 0, 5])
    balancer.setFault(upstream(balancer, 2), 'ejected', false)
    await clock.advance(10)
    expect(count(balancer, 9, 3)).toEqual([3, 3, 3])
  })

  it('keep an endpoint out until both are gone', async () => {
    const { balancer, clock } = start()
    balancer.update(snapshot(endpoints(3)))
    const second = upstream(balancer, 2)
    balancer.setFault(second, 'ejected', true)
    balancer.setFault(second, 'unhealthy', true)
    await clock.advance(10)
    expect(verdicts(balancer)).toEqual(['ready', 'unhealthy', 'ready'])
    balancer.setFault(second, 'unhealthy', false)
    await clock.advance(10)
    expect(verdicts(balancer)).toEqual(['ready', 'ejected', 'ready'])
  })

  it('have the picker built once for a burst', async () => {
    const { balancer, clock, builds } = start()
    balancer.update(snapshot(endpoints(200)))
    for (let n = 1; n <= 50; n++) balancer.setFault(upstream(balancer, n), 'unhealthy', true)
    expect(builds()).toBe(1)
    await clock.advance(10)
    expect(builds()).toBe(2)
    expect(verdicts(balancer).filter((verdict) => verdict === 'unhealthy')).toHaveLength(50)
    expect(clock.pending).toBe(0)
  })

  it('survive snapshots and changed weights, and say nothing about another instance', async () => {
    const { balancer, clock, recorder } = start()
    balancer.update(snapshot(endpoints(3)))
    balancer.setFault(upstream(balancer, 2), 'unhealthy', true)
    await clock.advance(10)
    balancer.update(snapshot(endpoints(3, { weight: 7 })))
    expect(verdicts(balancer)).toEqual(['ready', 'unhealthy', 'ready'])
    const [first, second, third] = endpoints(3)
    balancer.update(snapshot([first!, { ...second!, id: 'another' }, third!]))
    expect(verdicts(balancer)).toEqual(['ready', 'ready', 'ready'])
    expect(recorder.told.slice(3)).toEqual([`-${second!.id}`, '+another'])
  })

  it('of an endpoint that has left are ignored', async () => {
    const { balancer, clock, recorder } = start()
    balancer.update(snapshot(endpoints(3)))
    const gone = upstream(balancer, 3)
    balancer.update(snapshot(endpoints(2)))
    balancer.setFault(gone, 'unhealthy', true)
    expect(recorder.told.at(-1)).toBe(`-${endpoint(3).id}`)
    expect(gone.fault).toBeUndefined()
    expect(clock.pending).toBe(0)
    await clock.advance(10)
  })
})

describe('the watcher', () => {
  it('is told of servers that are not in maintenance, and of what becomes of their requests', () => {
    const { balancer, recorder } = start()
    const lookaside = endpoint(3, { role: 'balancer' })
    balancer.update(
      snapshot([endpoint(1), endpoint(2, { state: 'drain' }), lookaside, endpoint(4, { state: 'maint' })]),
    )
    expect(recorder.told).toEqual([1, 2].map((n) => `+${endpoint(n).id}`))
    balancer.update(snapshot([endpoint(1), endpoint(2, { state: 'maint' })]))
    expect(recorder.told.slice(2)).toEqual([`-${endpoint(2).id}`])

    const { id } = endpoint(1)
    balancer.pick({}).done({ ok: false })
    balancer.pick({}).done({ ok: undefined })
    const long = balancer.pick({})
    long.answered(4)
    expect(recorder.observed).toEqual([`${id} false`, `${id} true`])
    expect(long.upstream.isLatencySeen).toBe(true)
    long.done({ ok: true })
    expect(recorder.observed).toHaveLength(2)
  })
})

describe('panic', () => {
  it('uses all when fewer than half are healthy, and is told of once', async () => {
    const { balancer, clock, recorder } = start()
    balancer.update(snapshot(endpoints(4)))
    recorder.told.length = 0
    for (const n of [1, 2]) balancer.setFault(upstream(balancer, n), 'unhealthy', true)
    await clock.advance(10)
    expect(verdicts(balancer)).toEqual(['unhealthy', 'unhealthy', 'ready', 'ready'])
    balancer.setFault(upstream(balancer, 3), 'ejected', true)
    await clock.advance(10)
    expect(balancer.status().panic).toBe(true)
    expect(verdicts(balancer)).toEqual(['panic', 'panic', 'panic', 'ready'])
    expect(count(balancer, 8, 4)).toEqual([2, 2, 2, 2])
    balancer.setFault(upstream(balancer, 4), 'unhealthy', true)
    await clock.advance(10)
    for (const n of [1, 4]) balancer.setFault(upstream(balancer, n), 'unhealthy', false)
    await clock.advance(10)
    expect(recorder.told).toEqual(['panic true', 'panic false'])
  })

  it('counts only endpoints that the registry lets take traffic', async () => {
    const { balancer, clock } = start()
    const resting = [endpoint(3, { state: 'drain' }), endpoint(4, { state: 'drain' })]
    balancer.update(snapshot([endpoint(1), endpoint(2), ...resting]))
    balancer.setFault(upstream(balancer, 1), 'unhealthy', true)
    await clock.advance(10)
    expect(verdicts(balancer)).toEqual(['unhealthy', 'ready', 'drain', 'drain'])
  })

  it('keeps the only endpoint of a service in use', async () => {
    const { balancer, clock } = start()
    balancer.update(snapshot(endpoints(1)))
    balancer.setFault(upstream(balancer, 1), 'ejected', true)
    await clock.advance(10)
    expect(balancer.pick({}).upstream.endpoint).toEqual(endpoint(1))
  })

  it('can be switched off, and picks then say what is wrong', async () => {
    const { balancer, clock } = start('random', { panicPercent: 0 })
    balancer.update(snapshot(endpoints(2)))
    for (const n of [1, 2]) balancer.setFault(upstream(balancer, n), 'unhealthy', true)
    await clock.advance(10)
    expect(() => balancer.pick({})).toThrow('2 fails its health checks')
  })
})

describe('slow start', () => {
  const rules = { panicPercent: 50, slowStart: DEFAULT_SLOW_START }

  async function recover(policy: PolicyName) {
    const started = start(policy, rules)
    const { balancer, clock } = started
    balancer.update(snapshot(endpoints(4)))
    balancer.setFault(upstream(balancer, 1), 'ejected', true)
    await clock.advance(10)
    balancer.setFault(upstream(balancer, 1), 'ejected', false)
    return started
  }

  it.each<PolicyName>(['round_robin', 'weighted_round_robin', 'least_connections'])(
    'gives a recovered endpoint its share step by step (%s)',
    async (policy) => {
      const { balancer, clock } = await recover(policy)
      await clock.advance(1000)
      // As if its weight were 0.1, then 0.5, of the others'.
      expectShares(count(balancer, 400, 4), [0.1, 1, 1, 1])
      await clock.advance(4000)
      expectShares(count(balancer, 400, 4), [0.5, 1, 1, 1])
      await clock.advance(5000)
      expect(count(balancer, 400, 4)).toEqual([100, 100, 100, 100])
      expect(upstream(balancer, 1).ramp).toBeUndefined()
    },
  )

  it('leaves keys and preferences where they are', async () => {
    const { balancer, clock } = await recover('ring_hash')
    const before = createBalancer(
      { policy: choosePolicy('ring_hash') },
      { clock, random: seededRandom(1), log: silentLogger },
    )
    before.update(snapshot(endpoints(4)))
    await clock.advance(10)
    for (let i = 0; i < 100; i++) {
      const request = { key: `key-${i}` }
      const { address } = before.pick(request).upstream.endpoint
      expect(balancer.pick(request).upstream.endpoint.address).toBe(address)
    }
    const { address } = endpoint(1)
    for (let i = 0; i < 20; i++) expect(balancer.pick({ prefer: address }).upstream.endpoint.address).toBe(address)
  })

  it('applies to new endpoints where asked for, not to the first ones', async () => {
    const newEndpoints = { ...rules, slowStart: { ...DEFAULT_SLOW_START, newEndpoints: true } }
    const { balancer, clock } = start('round_robin', newEndpoints)
    balancer.update(snapshot(endpoints(2)))
    expect(count(balancer, 10, 2)).toEqual([5, 5])
    balancer.update(snapshot(endpoints(3)))
    await clock.advance(1000)
    expectShares(count(balancer, 300, 3), [1, 1, 0.1])
  })

  it('takes the only endpoint however early', async () => {
    const { balancer } = start('round_robin', { ...rules, slowStart: { ...DEFAULT_SLOW_START, newEndpoints: true } })
    balancer.update(snapshot([]))
    balancer.update(snapshot(endpoints(1)))
    expect(count(balancer, 10, 1)).toEqual([10])
  })

  it('follows the aggression that is asked for', () => {
    // Envoy: weight · max(min_weight_percent, (time / window) ^ (1 / aggression))
    const ramp = new Ramp({ windowMs: 10_000, aggression: 2, minWeightPercent: 10, newEndpoints: false }, 0)
    expect([0, 1000, 2500, 10_000].map((now) => ramp.factor(now))).toEqual([
      expect.closeTo(0.3162, 4),
      expect.closeTo(0.3162, 4),
      0.5,
      1,
    ])
  })
})
