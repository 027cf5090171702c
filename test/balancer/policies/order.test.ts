import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../../src/core/balancer/balancer.js'
import type { Picker } from '../../../src/core/balancer/policy.js'
import { choosePolicy } from '../../../src/core/balancer/service-config.js'
import { endpoint, runtime, snapshot, upstreamsOf } from '../../support/balancing.js'
import { seededRandom } from '../../support/seeded-random.js'

const weighted = (weights: readonly number[]) => weights.map((weight, i) => endpoint(i + 1, { weight }))

/** The picks as numbers of endpoints. */
function picker(policy: string, weights: readonly number[]) {
  const balancer = createBalancer({ policy: choosePolicy(policy) }, runtime())
  balancer.update(snapshot(weighted(weights)))
  const pick = () => {
    const result = balancer.pick({})
    result.done({ ok: true })
    return Number(result.upstream.endpoint.host.split('.')[3])
  }
  return { balancer, picks: (n: number) => Array.from({ length: n }, pick) }
}

describe('round_robin', () => {
  it('goes on where it stood when endpoints come and go', () => {
    const { balancer, picks } = picker('round_robin', [1, 1, 1, 1])
    expect(picks(2)).toEqual([1, 2])
    balancer.update(snapshot([1, 2, 4, 5].map((i) => endpoint(i))))
    expect(picks(3)).toEqual([4, 5, 1])
  })

  it('tries others in turn for a request that failed', () => {
    const { balancer } = picker('round_robin', [1, 1, 1])
    const first = balancer.pick({}).upstream
    const second = balancer.pick({ exclude: [first] }).upstream
    const third = balancer.pick({ exclude: [first, second] }).upstream
    expect(new Set([first, second, third]).size).toBe(3)
  })
})

describe('weighted_round_robin', () => {
  it.each([
    [[5, 1, 1], '1121311'],
    [[1, 1, 1], '123123123'],
    [[4, 2, 1], '1213121'],
    [[3, 2], '12121'],
  ])('goes in the order of nginx for weights %j', (weights, order) => {
    const { picks } = picker('weighted_round_robin', weights)
    for (let cycle = 0; cycle < 3; cycle++) expect(picks(order.length).join('')).toBe(order)
  })

  it.each([
    ['small weights', 200, (chance: number) => 1 + Math.floor(chance * 5)],
    ['all weights there are', 300, (chance: number) => 1 + Math.floor(chance * 1000)],
    ['one far above the rest', 150, (chance: number) => (chance < 0.01 ? 1000 : 1)],
    ['equal weights', 129, () => 7],
  ])('never strays from the ideal share by more than one pick: %s', (_, count, weigh) => {
    const chance = seededRandom(count)
    const upstreams = upstreamsOf(weighted(Array.from({ length: count }, () => weigh(chance.next()))))
    const { policy, config } = choosePolicy('weighted_round_robin')
    const order = policy.build(upstreams, config, runtime())
    const total = upstreams.reduce((sum, { endpoint: { weight } }) => sum + weight, 0)
    const counts = new Map(upstreams.map((upstream) => [upstream, 0]))
    for (let step = 1; step <= 2500; step++) {
      const picked = order.pick({})!
      counts.set(picked, counts.get(picked)! + 1)
      if (step % 5 > 0) continue
      for (const [{ endpoint: each }, count] of counts) {
        if (Math.abs(count - (step * each.weight) / total) > 1) expect.fail(`${each.address} strayed at ${step}`)
      }
    }
  })

  it.each([3, 200])('gives each its share while the weights of %i endpoints change all the time', (count) => {
    const { balancer, picks } = picker('weighted_round_robin', [3, ...Array.from({ length: count - 1 }, () => 1)])
    const counts = new Map<number, number>()
    const steps = 20 * count
    for (let step = 0; step < steps; step++) {
      balancer.update(
        snapshot(weighted([3, ...Array.from({ length: count - 1 }, (_, i) => (i === 0 ? 1 + (step % 2) : 1))])),
      )
      for (const picked of picks(2)) counts.set(picked, (counts.get(picked) ?? 0) + 1)
    }
    const fair = (2 * steps) / (count + 2.5)
    expect(Math.abs(counts.get(1)! / fair - 3)).toBeLessThan(0.3)
    for (let i = 3; i <= count; i++) expect(Math.abs(counts.get(i)! / fair - 1)).toBeLessThan(0.3)
  })

  it('starves nobody where the number of endpoints goes back and forth over what nginx’s order is for', () => {
    const upstreams = upstreamsOf(weighted(Array.from({ length: 129 }, () => 1)))
    const { policy, config } = choosePolicy('weighted_round_robin')
    const counts = new Map(upstreams.map((upstream) => [upstream, 0]))
    let order: Picker | undefined
    for (let update = 0; update < 200; update++) {
      order = policy.build(upstreams.slice(0, 128 + (update % 2)), config, runtime(), order)
      for (let i = 0; i < 50; i++) {
        const picked = order.pick({})!
        counts.set(picked, counts.get(picked)! + 1)
      }
    }
    for (const upstream of upstreams.slice(0, 128)) {
      expect(Math.abs(counts.get(upstream)! - (200 * 50) / 128.5)).toBeLessThan(2)
    }
  })

  it.each([100, 200])('starves nobody where all %i weights change before each had a turn', (count) => {
    const weightOf = (i: number, update: number) => 500 + Math.floor((500 * i) / count) - ((7 * update + 13 * i) % 5)
    const weightsAt = (update: number) => Array.from({ length: count }, (_, i) => weightOf(i, update))
    const upstreams = upstreamsOf(weighted(weightsAt(0)))
    const { policy, config } = choosePolicy('weighted_round_robin')
    const counts = new Map(upstreams.map((upstream) => [upstream, 0]))
    let order: Picker | undefined
    for (let update = 0; update < 200; update++) {
      weightsAt(update).forEach((weight, i) => upstreams[i]!.replace(endpoint(i + 1, { weight })))
      order = policy.build(upstreams, config, runtime(), order)
      for (let i = 0; i < 50; i++) {
        const picked = order.pick({})!
        counts.set(picked, counts.get(picked)! + 1)
      }
    }
    upstreams.forEach((upstream, i) => {
      const fair = (200 * 50 * (500 + (500 * i) / count)) / (750 * count)
      expect(Math.abs(counts.get(upstream)! - fair)).toBeLessThan(2)
    })
  })
})

describe('pick_first', () => {
  it('goes to the first, and to the next while that is excluded', () => {
    const { balancer, picks } = picker('pick_first', [1, 1, 1])
    expect(picks(3)).toEqual([1, 1, 1])
    const { upstream } = balancer.pick({})
    expect(balancer.pick({ exclude: [upstream] }).upstream.endpoint.address).toBe(endpoint(2).address)
  })

  it('shuffles when told to, and stays with its choice while that is there', () => {
    const choice = choosePolicy('pick_first', { shuffleAddressList: true })
    const chosen = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const balancer = createBalancer({ policy: choice }, runtime(seed))
      balancer.update(snapshot(weighted([1, 1, 1])))
      const { address } = balancer.pick({}).upstream.endpoint
      chosen.add(address)
      balancer.update(snapshot(weighted([1, 1, 1, 1, 1, 1])))
      expect(balancer.pick({}).upstream.endpoint.address).toBe(address)
    }
    expect(chosen.size).toBe(3)
  })
})

describe('weighted_random', () => {
  it('draws by weight over many endpoints (chi-square)', () => {
    const weights = Array.from({ length: 100 }, (_, i) => 1 + ((i * 37) % 50))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const n = 100_000
    const counts = new Map<number, number>()
    for (const picked of picker('weighted_random', weights).picks(n)) counts.set(picked, (counts.get(picked) ?? 0) + 1)
    const chiSquare = weights.reduce((sum, weight, i) => {
      const expected = (n * weight) / total
      return sum + ((counts.get(i + 1) ?? 0) - expected) ** 2 / expected
    }, 0)
    // 99 degrees of freedom: one in a million is above 172.
    expect(chiSquare).toBeLessThan(172)
  })
})
