import { describe, expect, it } from 'vitest'
import {
  addLatencies,
  bucketMiddleMs,
  bucketOf,
  BUCKETS,
  LatencyHistogram,
  NO_LATENCIES,
  UNITS_PER_MS,
} from '../../src/core/proxy/latency-histogram.js'

const LONGEST = 2 ** 24 - 1
const recorded = (...units: number[]) => {
  const histogram = new LatencyHistogram()
  for (const each of units) histogram.record(each)
  return histogram
}

describe('buckets of latencies', () => {
  it('follow each other without a gap, and are off by at most 1/32 of what they stand for', () => {
    let last = -1
    for (let units = 0; units <= LONGEST; units += 1 + (units >>> 9)) {
      const bucket = bucketOf(units)
      expect(bucket === last || bucket === last + 1).toBe(true)
      last = bucket
      const middle = bucketMiddleMs(bucket) * UNITS_PER_MS
      if (units < 32) expect(middle).toBe(units)
      else expect(Math.abs(middle - units) / units).toBeLessThanOrEqual(1 / 32)
    }
    expect(bucketOf(LONGEST)).toBe(BUCKETS - 1)
  })

  it('begin at every doubling, so that those below a power of two can be counted exactly', () => {
    for (let power = 5; power < 24; power++) expect(bucketOf(2 ** power)).toBe(bucketOf(2 ** power - 1) + 1)
  })
})

describe('a latency histogram', () => {
  it('is read without empty ends, and reads what was recorded by then', () => {
    const histogram = recorded(64, 64, 128)
    const reading = histogram.read()
    histogram.record(64)
    expect(reading.from).toBe(bucketOf(64))
    expect([...reading.counts]).toEqual([2, ...Array<number>(15).fill(0), 1])
    expect(reading.sumMs).toBe(4)
    expect(new LatencyHistogram().read()).toBe(NO_LATENCIES)
  })

  it('counts what is too long for it as the longest there is', () => {
    expect(recorded(2 ** 31 - 1).read()).toMatchObject({ from: BUCKETS - 1, sumMs: LONGEST / UNITS_PER_MS })
  })

  it('adds up with others as if all had been recorded in one', () => {
    const parts = [[1, 5, 70], [], [70, 900], [3, LONGEST]]
    const whole = recorded(...parts.flat()).read()
    expect(addLatencies(parts.map((part) => recorded(...part).read()))).toEqual(whole)
    const sum = new LatencyHistogram()
    for (const part of parts) sum.add(recorded(...part))
    expect(sum.read()).toEqual(whole)
    expect(addLatencies([])).toBe(NO_LATENCIES)
  })
})
