import { describe, expect, it } from 'vitest'
import type { UpstreamStatus } from '../../src/core/balancer/contract.js'
import type { Verdict } from '../../src/core/balancer/eligibility.js'
import { expectedShares } from '../../src/core/balancer/expected-shares.js'
import { LoadTable } from '../../src/core/balancer/load-table.js'
import { POLICIES } from '../../src/core/balancer/policies/index.js'
import { DEFAULT_SLOW_START, Ramp } from '../../src/core/balancer/slow-start.js'
import { Upstream } from '../../src/core/balancer/upstream.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'

/** Endpoints with these weights and verdicts. */
function upstreams(...all: readonly (readonly [weight: number, verdict: Verdict])[]): UpstreamStatus[] {
  const loads = new LoadTable()
  return all.map(([weight, verdict], i) => {
    const [endpoint] = parseStaticEndpoints(`10.0.0.${i + 1}:80@${weight}`)
    return { upstream: new Upstream(endpoint!, loads), verdict }
  })
}

const { weighted_round_robin: weighted, round_robin: equal, pick_first: first, ring_hash: hash } = POLICIES

describe('expected shares', () => {
  it('go by weight, equally, or all to the first that may be used, as the policy does', () => {
    const all = upstreams([1, 'drain'], [3, 'ready'], [1, 'ready'], [5, 'ejected'])
    expect(expectedShares(weighted, all)).toEqual([0, 0.75, 0.25, 0])
    expect(expectedShares(equal, all)).toEqual([0, 0.5, 0.5, 0])
    expect(expectedShares(first, all)).toEqual([0, 1, 0, 0])
  })

  it('are equal among those of weight 0 that are the last resort, and by weight in panic', () => {
    expect(expectedShares(weighted, upstreams([0, 'last_resort'], [0, 'last_resort']))).toEqual([0.5, 0.5])
    expect(expectedShares(weighted, upstreams([1, 'panic'], [3, 'panic']))).toEqual([0.25, 0.75])
  })

  it('go by the weight that load reports give', () => {
    const all = upstreams([1, 'ready'], [1, 'ready'])
    all[0]!.upstream.loadWeight = 300
    all[1]!.upstream.loadWeight = 100
    expect(expectedShares(weighted, all)).toEqual([0.75, 0.25])
  })

  it('are smaller for one on its way into use, but not where keys stay where they belong', () => {
    const all = upstreams([1, 'ready'], [1, 'ready'])
    all[0]!.upstream.ramp = new Ramp(DEFAULT_SLOW_START, 0)
    expect(expectedShares(equal, all, 5000)).toEqual([1 / 3, 2 / 3])
    expect(expectedShares(equal, all)).toEqual([0.5, 0.5])
    expect(expectedShares(hash, all, 5000)).toEqual([0.5, 0.5])
  })

  it('are nothing where nobody may be used', () => {
    expect(expectedShares(weighted, upstreams([1, 'drain'], [1, 'maint']))).toEqual([0, 0])
    expect(expectedShares(weighted, [])).toEqual([])
  })
})
