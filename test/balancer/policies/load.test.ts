import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../../src/core/balancer/balancer.js'
import type { Picker } from '../../../src/core/balancer/policy.js'
import { choosePolicy } from '../../../src/core/balancer/service-config.js'
import { latencyRatio } from '../../../src/core/balancer/latency.js'
import type { Upstream } from '../../../src/core/balancer/upstream.js'
import { endpoint, runtime, snapshot, upstreamsOf } from '../../support/balancing.js'
import { seededRandom } from '../../support/seeded-random.js'

function loaded(...inFlight: readonly number[]): Upstream[] {
  const upstreams = upstreamsOf(inFlight.map((_, i) => endpoint(i + 1)))
  upstreams.forEach((upstream, i) => {
    for (let request = 0; request < inFlight[i]!; request++) upstream.begin()
  })
  return upstreams
}

function build(policy: string, candidates: readonly Upstream[], config?: unknown, seed = 1): Picker {
  const choice = choosePolicy(policy, config)
  return choice.policy.build(candidates, choice.config, runtime(seed))
}

const shareOf = (picker: Picker, upstream: Upstream, n: number) =>
  Array.from({ length: n }, () => picker.pick({})).filter((picked) => picked === upstream).length / n

describe('least_connections', () => {
  it.each([
    [[5, 3, 9], 1],
    [[3, 5, 9], 0],
    [[9, 5, 3], 2],
    [[5, 3], 1],
  ])('with %j in flight always takes the least', (inFlight, least) => {
    const upstreams = loaded(...inFlight)
    const picker = build('least_connections', upstreams)
    for (let i = 0; i < 100; i++) expect(picker.pick({})).toBe(upstreams[least])
  })

  it('counts in flight per weight', () => {
    const upstreams = upstreamsOf([endpoint(1, { weight: 1 }), endpoint(2, { weight: 4 })])
    upstreams[0]!.begin()
    for (let i = 0; i < 3; i++) upstreams[1]!.begin()
    expect(build('least_connections', upstreams).pick({})).toBe(upstreams[1])
  })

  it('breaks ties in turn', () => {
    const upstreams = loaded(0, 2, 0, 0)
    const picker = build('least_connections', upstreams)
    const picked = Array.from({ length: 6 }, () => upstreams.indexOf(picker.pick({})!))
    expect(picked).toEqual([0, 2, 3, 0, 2, 3])
  })

  it('goes on with the turn when the set changes', () => {
    const balancer = createBalancer({ policy: choosePolicy('least_connections') }, runtime())
    const pick = () => {
      const result = balancer.pick({})
      result.done({ ok: true })
      return Number(result.upstream.endpoint.host.at(-1))
    }
    balancer.update(snapshot([1, 2, 3].map((i) => endpoint(i))))
    expect([pick(), pick()]).toEqual([1, 2])
    balancer.update(snapshot([1, 2, 3].map((i) => endpoint(i, { weight: 2 }))))
    expect([pick(), pick()]).toEqual([3, 1])
  })

  it('never takes more than the least while requests come and go at random, excluded ones aside', () => {
    const chance = seededRandom(5)
    const below = (n: number) => Math.floor(chance.next() * n)
    const upstreams = upstreamsOf(Array.from({ length: 40 }, (_, i) => endpoint(i + 1, { weight: 1 + (i % 4) })))
    const picker = build('least_connections', upstreams)
    const load = (upstream: Upstream) => upstream.inFlight / upstream.endpoint.weight
    const pending: Upstream[] = []
    for (let step = 0; step < 5000; step++) {
      if (pending.length > 0 && below(100) < 48) {
        const ended = pending.splice(below(pending.length), 1)[0]!
        ended.end({ ok: true }, 0)
        picker.loadChanged!(ended)
        continue
      }
      const exclude = Array.from({ length: below(5) }, () => upstreams[below(40)]!)
      const picked = picker.pick({ exclude })!
      const least = Math.min(...upstreams.filter((each) => !exclude.includes(each)).map(load))
      expect(load(picked)).toBe(least)
      picked.begin()
      picker.loadChanged!(picked)
      pending.push(picked)
    }
  })
})

describe('least_request', () => {
  // Five standard deviations of 20,000 draws are below 0.018.
  const n = 20_000

  it('takes the less loaded of two samples drawn with replacement', () => {
    const upstreams = loaded(5, 3, 9)
    const picker = build('least_request', upstreams)
    const expected = [3 / 9, 5 / 9, 1 / 9]
    upstreams.forEach((each, i) => expect(Math.abs(shareOf(picker, each, n) - expected[i]!)).toBeLessThan(0.018))
  })

  it('looks at as many as choiceCount says', () => {
    const upstreams = loaded(5, 3, 9)
    const picker = build('least_request', upstreams, { choiceCount: 5 })
    expect(Math.abs(shareOf(picker, upstreams[1]!, n) - (1 - (2 / 3) ** 5))).toBeLessThan(0.018)
  })

  it('piles up less on one endpoint than a random choice does', () => {
    const longest = (policy: string) => {
      const upstreams = loaded(...Array.from({ length: 1000 }, () => 0))
      const picker = build(policy, upstreams)
      for (let i = 0; i < 1000; i++) picker.pick({})!.begin()
      return Math.max(...upstreams.map((each) => each.inFlight))
    }
    expect(longest('least_request')).toBeLessThan(longest('random'))
  })
})

describe('peak_ewma', () => {
  const heard = (latencies: readonly (number | undefined)[]) => {
    const upstreams = loaded(...latencies.map(() => 0))
    latencies.forEach((latencyMs, i) => {
      if (latencyMs === undefined) return
      upstreams[i]!.begin()
      upstreams[i]!.end({ ok: true, latencyMs }, 0)
    })
    return upstreams
  }

  it('takes the cheaper of two by latency times requests in flight', () => {
    const upstreams = heard([10, 35])
    const picker = build('peak_ewma', upstreams)
    expect(shareOf(picker, upstreams[1]!, 1000)).toBe(0)
    for (let i = 0; i < 2; i++) upstreams[0]!.begin()
    expect(shareOf(picker, upstreams[1]!, 1000)).toBe(0)
    upstreams[0]!.begin()
    expect(shareOf(picker, upstreams[1]!, 1000)).toBe(1)
  })

  it('keeps what it learnt when the set changes', () => {
    const balancer = createBalancer({ policy: choosePolicy('peak_ewma') }, runtime())
    balancer.update(snapshot([endpoint(1), endpoint(2)]))
    const slow = endpoint(1).address
    for (let i = 0; i < 40; i++) {
      const result = balancer.pick({})
      result.done({ ok: true, latencyMs: result.upstream.endpoint.address === slow ? 500 : 5 })
    }
    balancer.update(snapshot([endpoint(1), endpoint(2), endpoint(3)]))
    const counts = new Map<string, number>()
    for (let i = 0; i < 3000; i++) {
      const result = balancer.pick({})
      const { address } = result.upstream.endpoint
      counts.set(address, (counts.get(address) ?? 0) + 1)
      result.done({ ok: true, latencyMs: address === slow ? 500 : 5 })
    }
    expect(counts.get(slow) ?? 0).toBe(0)
  })

  it('asks an endpoint that never answered once, and waits for its answer', () => {
    const [known, fresh] = heard([10, undefined]) as [Upstream, Upstream]
    const picker = build('peak_ewma', [known, fresh])
    expect(shareOf(picker, fresh, 1000)).toBeGreaterThan(0.6)
    fresh.begin()
    expect(shareOf(picker, fresh, 1000)).toBeLessThan(0.4)
  })

  it('does not take an endpoint that fails at once for a fast one', () => {
    const [working, failing] = heard([20, 20]) as [Upstream, Upstream]
    failing.begin()
    failing.end({ ok: false, latencyMs: 0.1 }, 100)
    expect(shareOf(build('peak_ewma', [working, failing]), failing, 1000)).toBeLessThan(0.4)
  })
})

describe('latency estimate', () => {
  const answer = (upstream: Upstream, latencyMs: number, now: number) => {
    upstream.begin()
    upstream.end({ ok: true, latencyMs }, now)
  }

  it('rises at once, falls slowly, and fades when nothing is heard', () => {
    const [upstream] = upstreamsOf([endpoint(1)]) as [Upstream]
    answer(upstream, 10, 0)
    expect(upstream.latencyAt(0)).toBe(10)
    answer(upstream, 200, 0)
    expect(upstream.latencyAt(0)).toBe(200)
    answer(upstream, 10, 100)
    expect(upstream.latencyAt(100)).toBeGreaterThan(190)
    expect(upstream.latencyAt(100)).toBeLessThan(200)
    expect(upstream.latencyAt(100 + 10_000)).toBeCloseTo(upstream.latencyAt(100) / Math.E)
  })

  it('compares two without a clock', () => {
    const [a, b] = upstreamsOf([endpoint(1), endpoint(2)]) as [Upstream, Upstream]
    answer(a, 30, 1000)
    answer(b, 20, 4000)
    expect(latencyRatio(a.loads, a.slot, b.slot)).toBeCloseTo(a.latencyAt(9000) / b.latencyAt(9000))
  })
})
