import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import type { Balancer, PickResult } from '../../src/core/balancer/contract.js'
import type { PolicyName } from '../../src/core/balancer/policies/index.js'
import { choosePolicy } from '../../src/core/balancer/service-config.js'
import type { Endpoint } from '../../src/core/model/endpoint.js'
import { seededRandom } from '../support/seeded-random.js'
import { endpoint, runtime, snapshot, upstreamsOf } from '../support/balancing.js'

/** What every policy does, whatever its way of choosing. */
export function describePolicy(name: PolicyName): void {
  const choice = choosePolicy(name)
  const balancerOver = (endpoints: readonly Endpoint[], seed = 1): Balancer => {
    const balancer = createBalancer({ policy: choice }, runtime(seed))
    balancer.update(snapshot(endpoints))
    return balancer
  }
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => endpoint(from + i))

  describe(name, () => {
    it('always picks the only endpoint, and nothing when that is excluded', () => {
      const picker = choice.policy.build(upstreamsOf([endpoint(1)]), choice.config, runtime())
      const only = picker.pick({ key: 'a' })!
      expect(only.endpoint.address).toBe(endpoint(1).address)
      expect(picker.pick({ exclude: [only] })).toBeUndefined()
      expect(picker.pick({})).toBe(only)
    })

    it.each([2, 5, 300])('never picks what is excluded, and picks as long as one of %i is not', (count) => {
      const chance = seededRandom(count)
      const upstreams = upstreamsOf(range(1, count).map((each, i) => ({ ...each, weight: 1 + ((i * 7) % 13) })))
      const picker = choice.policy.build(upstreams, choice.config, runtime())
      for (let round = 0; round < 300; round++) {
        const left = round % 3 === 0 ? 1 : 1 + Math.floor(chance.next() * (count - 1))
        const kept = new Set(shuffled(upstreams, chance).slice(0, left))
        const exclude = upstreams.filter((upstream) => !kept.has(upstream))
        const picked = picker.pick({ key: `key-${round}`, exclude })
        expect(picked && kept.has(picked)).toBe(true)
      }
      expect(picker.pick({ exclude: upstreams })).toBeUndefined()
    })

    it('gives each endpoint its share', () => {
      const weights = [4, 3, 2, 1]
      const balancer = balancerOver(weights.map((weight, i) => endpoint(i + 1, { weight })))
      // 5 standard deviations: n = p (1 − p) · 25 / ε². A ring's own unevenness comes on top.
      const tolerance = 0.02
      const n = Math.ceil((0.25 * 25) / tolerance ** 2)
      const counts = spread(balancer, n, { inFlight: 40 })
      const expected = { equal: [0.25, 0.25, 0.25, 0.25], weight: [0.4, 0.3, 0.2, 0.1], first: [1, 0, 0, 0] }
      expected[choice.policy.share].forEach((share, i) => {
        const slack = name === 'ring_hash' ? 3 * tolerance : tolerance
        expect(Math.abs((counts.get(endpoint(i + 1).address) ?? 0) / n - share)).toBeLessThan(slack)
      })
    })

    it('uses all alike when all weights are zero', () => {
      const balancer = balancerOver([1, 2, 3].map((i) => endpoint(i, { weight: 0 })))
      const counts = spread(balancer, 3000, { inFlight: 10 })
      if (choice.policy.share === 'first') expect(counts.size).toBe(1)
      else for (const i of [1, 2, 3]) expect(counts.get(endpoint(i).address)).toBeGreaterThan(700)
    })

    it('leaves an endpoint alone while it drains or rests, lets it finish, and takes it back', () => {
      const balancer = balancerOver(range(1, 3))
      const held = hold(balancer, 30)
      for (const state of ['drain', 'maint'] as const) {
        balancer.update(snapshot([endpoint(1, { state }), endpoint(2), endpoint(3)]))
        expect(spread(balancer, 300).has(endpoint(1).address)).toBe(false)
      }
      for (const each of held) each.done({ ok: true })
      expect(held.every((each) => each.upstream.inFlight === 0)).toBe(true)
      balancer.update(snapshot(range(1, 3)))
      expect(spread(balancer, 300).has(endpoint(1).address)).toBe(true)
    })

    if (choice.policy.share !== 'first') describeLoadDistribution()

    it.each([1, 2, 3])('keeps its word under random operations (seed %i)', (seed) => {
      const chance = seededRandom(seed)
      const balancer = createBalancer({ policy: choice }, runtime(seed))
      let endpoints: Endpoint[] = []
      const pending: PickResult[] = []
      const below = (n: number) => Math.floor(chance.next() * n)
      for (let step = 0; step < 1000; step++) {
        const roll = below(10)
        if (roll === 0) {
          const size = seed === 3 ? 200 : 10
          endpoints = range(1, size)
            .filter(() => chance.next() < 0.7)
            .map((each) => ({
              ...each,
              weight: [0, 1, 3, 20][below(4)]!,
              state: (['ready', 'ready', 'drain', 'maint'] as const)[below(4)]!,
            }))
          balancer.update(snapshot(endpoints))
        } else if (roll < 4 && pending.length > 0) {
          const [ended] = pending.splice(below(pending.length), 1)
          const before = ended!.upstream.inFlight
          ended!.done({ ok: chance.next() < 0.8, latencyMs: below(100) })
          ended!.done({ ok: true })
          expect(ended!.upstream.inFlight).toBe(before - 1)
        } else {
          const exclude = pending.slice(0, below(3)).map((each) => each.upstream)
          const ready = endpoints.filter((each) => each.state === 'ready')
          const weighted = ready.filter((each) => each.weight > 0)
          const excluded = new Set(exclude.map((upstream) => upstream.endpoint.address))
          const allowed = (weighted.length > 0 ? weighted : ready).filter((each) => !excluded.has(each.address))
          const request = { key: `key-${below(50)}`, exclude }
          if (allowed.length === 0) {
            expect(() => balancer.pick(request)).toThrow(expect.objectContaining({ code: 'NO_ENDPOINTS' }))
            pending.shift()?.done({ ok: true })
            continue
          }
          const result = balancer.pick(request)
          expect(allowed.map((each) => each.address)).toContain(result.upstream.endpoint.address)
          pending.push(result)
        }
      }
      for (const { upstream } of balancer.status().upstreams) {
        expect(upstream.inFlight).toBe(pending.filter((each) => each.upstream === upstream).length)
      }
    })
  })

  /**
   * Deployments as in Finagle's LoadDistributionTest: whatever the order in which clients and servers come and go, no
   * server gets more than twice what an even spread would give it.
   */
  function describeLoadDistribution(): void {
    const servers = 10
    const expectEven = (counts: ReadonlyMap<string, number>, optimum: number) => {
      for (const count of counts.values()) expect(count).toBeLessThanOrEqual(2 * optimum)
    }

    it('spreads evenly while clients are deployed', () => {
      const total = new Map<string, number>()
      for (let client = 1; client <= 40; client++) {
        merge(total, spread(balancerOver(range(1, servers), client), 25, { inFlight: 5, keys: client * 1000 }))
      }
      expectEven(total, (40 * 25) / servers)
    })

    it('spreads evenly while servers are restarted one after the other', () => {
      const balancer = balancerOver(range(1, servers))
      const total = new Map<string, number>()
      for (let restarted = 1; restarted <= servers; restarted++) {
        const others = range(1, servers).filter((_, i) => i !== restarted - 1)
        for (const endpoints of [others, range(1, servers)]) {
          balancer.update(snapshot(endpoints))
          merge(total, spread(balancer, 100, { inFlight: 5, keys: total.size * 1000 + restarted * 200 }))
        }
      }
      expectEven(total, (servers * 200) / servers)
    })

    it('spreads evenly while the service shrinks and grows', () => {
      const balancer = balancerOver(range(1, 2 * servers))
      for (const size of [15, 10, 5, 10, 15, 20]) {
        balancer.update(snapshot(range(1, size)))
        expectEven(spread(balancer, 100 * size, { inFlight: 5 }), 100)
      }
    })

    it('favours nobody when the set changes all the time', () => {
      const balancer = balancerOver(range(1, servers))
      const total = new Map<string, number>()
      for (let change = 0; change < 300; change++) {
        balancer.update(snapshot([...range(1, servers), ...(change % 2 ? [endpoint(99)] : [])]))
        merge(total, spread(balancer, 3, { keys: change * 3 }))
      }
      expectEven(total, (300 * 3) / servers)
    })
  }
}

interface Load {
  /** How many requests are under way at a time. */
  readonly inFlight?: number
  /** The number in the first request's key. */
  readonly keys?: number
}

/** Makes `n` requests, each with a key of its own, and counts them by address. */
function spread(balancer: Balancer, n: number, { inFlight = 1, keys = 0 }: Load = {}): Map<string, number> {
  const counts = new Map<string, number>()
  const pending: PickResult[] = []
  for (let i = 0; i < n; i++) {
    const result = balancer.pick({ key: `key-${keys + i}` })
    const { address } = result.upstream.endpoint
    counts.set(address, (counts.get(address) ?? 0) + 1)
    if (pending.push(result) === inFlight) pending.shift()!.done({ ok: true, latencyMs: 10 })
  }
  for (const each of pending) each.done({ ok: true, latencyMs: 10 })
  return counts
}

function hold(balancer: Balancer, n: number): PickResult[] {
  return Array.from({ length: n }, (_, i) => balancer.pick({ key: `key-${i}` }))
}

function merge(total: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [address, count] of counts) total.set(address, (total.get(address) ?? 0) + count)
}

function shuffled<T>(items: readonly T[], chance: { next(): number }): T[] {
  return items
    .map((item) => ({ item, order: chance.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
