import { describe, expect, it } from 'vitest'
import { KeyHash } from '../../../src/core/balancer/policies/hash.js'
import { maglevTable } from '../../../src/core/balancer/policies/maglev-table.js'
import { Ring } from '../../../src/core/balancer/policies/ring.js'
import { choosePolicy } from '../../../src/core/balancer/service-config.js'
import type { Upstream } from '../../../src/core/balancer/upstream.js'
import { endpoint, runtime, upstreamsOf } from '../../support/balancing.js'

const KEYS = Array.from({ length: 3000 }, (_, i) => `key-${i}`)

function upstreams(count: number, weight: (i: number) => number = () => 1): Upstream[] {
  return upstreamsOf(Array.from({ length: count }, (_, i) => endpoint(i + 1, { weight: weight(i) })))
}

function pickAll(policy: string, candidates: readonly Upstream[], config?: unknown): (Upstream | undefined)[] {
  const choice = choosePolicy(policy, config)
  const picker = choice.policy.build(candidates, choice.config, runtime())
  return KEYS.map((key) => picker.pick({ key }))
}

describe('ring_hash', () => {
  it.each([2, 3, 5, 9, 10, 17, 100])('moves only the keys of the one of %i that leaves', (count) => {
    const all = upstreams(count, (i) => 1 + (i % 3))
    const before = pickAll('ring_hash', all)
    for (const gone of [0, count - 1]) {
      const after = pickAll('ring_hash', all.toSpliced(gone, 1))
      const moved = KEYS.filter((_, i) => before[i] !== after[i])
      expect(moved).toEqual(KEYS.filter((_, i) => before[i] === all[gone]))
    }
  })

  it('sends a key that failed where it would go if the endpoint were gone', () => {
    const all = upstreams(5)
    const { policy, config } = choosePolicy('ring_hash')
    const picker = policy.build(all, config, runtime())
    const without = policy.build(all.slice(1), config, runtime())
    for (const key of KEYS) expect(picker.pick({ key, exclude: [all[0]!] })).toBe(without.pick({ key }))
  })

  it('takes the first entry at or after the hash of the key, entry i of an endpoint being the hash of address_i', () => {
    const all = upstreams(3)
    const hash = new KeyHash()
    const hashOf = (text: string) => {
      hash.update(text)
      return (BigInt(hash.high) << 32n) | BigInt(hash.low)
    }
    // Three equal shares of 1024 entries are 341.3 each: 342.
    const entries = all
      .flatMap((upstream) =>
        Array.from({ length: 342 }, (_, i) => ({ at: hashOf(`${upstream.endpoint.address}_${i}`), upstream })),
      )
      .sort((a, b) => (a.at < b.at ? -1 : 1))
    const expected = KEYS.map((key) => (entries.find(({ at }) => at >= hashOf(key)) ?? entries[0]!).upstream)
    expect(pickAll('ring_hash', all, { minRingSize: 1024 })).toEqual(expected)
  })

  it.each([
    ['1 endpoint', [1], { min: 1024, max: 4096 }, 1024],
    ['weights 1, 2, 3', [1, 2, 3], { min: 1024, max: 4096 }, 1026],
    ['a share too small for the largest ring', [1, 9999], { min: 1024, max: 4096 }, 4096],
    ['more endpoints than entries', Array.from({ length: 128 }, () => 1), { min: 10, max: 64 }, 64],
  ])('has as many entries as A42 says: %s', (_, weights, size, expected) => {
    const candidates = upstreams(weights.length, (i) => weights[i]!)
    expect(new Ring(candidates, size, new KeyHash()).size).toBe(expected)
  })

  it('draws at random without a key', () => {
    const picker = choosePolicy('ring_hash').policy.build(upstreams(4), choosePolicy('ring_hash').config, runtime())
    expect(new Set(Array.from({ length: 200 }, () => picker.pick({}))).size).toBe(4)
  })
})

describe('maglev', () => {
  const addresses = (count: number) => Array.from({ length: count }, (_, i) => endpoint(i + 1).address)
  const equal = (count: number) => new Float64Array(count).fill(1)
  const counts = (table: Int32Array, count: number) => {
    const slots = new Float64Array(count)
    for (const index of table) slots[index]!++
    return slots
  }

  it.each([2, 3, 10, 100, 1000])('moves at most 1/N + 2 % of the keys when one of %i leaves', (count) => {
    const before = maglevTable(addresses(count), equal(count))
    const gone = Math.floor(count / 2)
    const after = maglevTable(addresses(count).toSpliced(gone, 1), equal(count - 1))
    const moved = before.filter((index, slot) => index !== after[slot]! + (after[slot]! >= gone ? 1 : 0)).length
    expect(moved / before.length).toBeLessThan(1 / count + 0.02)
  })

  it('gives each an equal number of slots, but for one', () => {
    const slots = counts(maglevTable(addresses(655), equal(655)), 655)
    expect(Math.max(...slots) - Math.min(...slots)).toBeLessThanOrEqual(1)
  })

  it('gives slots by weight', () => {
    const weights = Float64Array.of(1, 2, 30, 1000)
    const slots = counts(maglevTable(addresses(4), weights), 4)
    weights.forEach((weight, i) => expect(Math.abs(slots[i]! - (65_537 * weight) / 1033)).toBeLessThanOrEqual(2))
  })

  it('takes a larger table where endpoints outnumber the slots', () => {
    const table = maglevTable(addresses(70_000), equal(70_000))
    expect(table.length).toBe(655_373)
    expect(Math.min(...counts(table, 70_000))).toBeGreaterThan(0)
  })
})

describe('source_hash', () => {
  it('takes the hash of the key modulo the list', () => {
    const all = upstreams(7)
    const hash = new KeyHash()
    const expected = KEYS.map((key) => {
      hash.update(key)
      return all[Number(((BigInt(hash.high) << 32n) | BigInt(hash.low)) % 7n)]
    })
    expect(pickAll('source_hash', all)).toEqual(expected)
  })
})
