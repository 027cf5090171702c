import { describe, expect, it } from 'vitest'
import { countOf, countsBefore, latenciesSince, quantilesMs } from '../../src/core/admin/proxy/latencies.js'
import { addLatencies, bucketOf, NO_LATENCIES, UNITS_PER_MS } from '../../src/core/proxy/latency-histogram.js'
import { latencies } from '../support/readings.js'
import { seededRandom } from '../support/seeded-random.js'

const SHARES = [0.5, 0.9, 0.95, 0.99, 0.999]

describe('quantiles', () => {
  it.each([1, 7, 100, 5000])('are within 1/32 of the exact ones, of %i latencies of many sizes', (count) => {
    const random = seededRandom(count)
    const units = Array.from({ length: count }, () => Math.floor(32 * 2 ** (random.next() * 15)))
    const sorted = units.toSorted((a, b) => a - b)
    const found = quantilesMs(latencies(...units), SHARES)
    SHARES.forEach((share, i) => {
      const exact = sorted[Math.max(0, Math.ceil(share * count) - 1)]! / UNITS_PER_MS
      expect(Math.abs(found[i]! - exact) / exact).toBeLessThanOrEqual(1 / 32)
    })
  })

  it('are the same whether all was recorded in one place or in several', () => {
    const random = seededRandom(5)
    const parts = Array.from({ length: 4 }, () => Array.from({ length: 50 }, () => Math.floor(random.next() * 1e5)))
    const merged = addLatencies(parts.map((part) => latencies(...part)))
    expect(quantilesMs(merged, SHARES)).toEqual(quantilesMs(latencies(...parts.flat()), SHARES))
  })

  it('are unknown of nothing', () => {
    expect(quantilesMs(NO_LATENCIES, [0.5, 0.99])).toEqual([null, null])
  })
})

describe('what was recorded since', () => {
  it('is the difference', () => {
    const before = latencies(64, 500)
    expect(quantilesMs(latenciesSince(latencies(64, 500, 128, 128), before), [0.5])).toEqual(
      quantilesMs(latencies(128), [0.5]),
    )
    expect(countOf(latenciesSince(before, before))).toBe(0)
    expect(latenciesSince(before, undefined)).toBe(before)
    expect(latenciesSince(before, NO_LATENCIES)).toBe(before)
  })

  it.each([
    ['has less in a bucket', latencies(64, 500, 500), latencies(64, 64, 500)],
    ['does not reach as low', latencies(500), latencies(64, 500)],
    ['does not reach as high', latencies(64), latencies(64, 500)],
    ['is empty', NO_LATENCIES, latencies(64)],
  ])('is everything where the later one %s: it began anew', (_, now, before) => {
    expect(latenciesSince(now, before)).toBe(now)
  })
})

it('counts what is before a bound, exactly at doublings', () => {
  const bounds = [64, 128, 256].map(bucketOf)
  expect(countsBefore(latencies(1, 63, 64, 127, 128, 300), bounds)).toEqual([2, 4, 5])
  expect(countsBefore(NO_LATENCIES, bounds)).toEqual([0, 0, 0])
})
