import { expect, it } from 'vitest'
import { failurePercentage, judgesFailures, requiredSuccessRate } from '../../../src/core/health/outlier/outliers.js'

const rules = { stdevFactor: 1900, enforcementPercentage: 100, minimumHosts: 5, requestVolume: 100 }
const samples = (...rates: number[]) => rates.map((rate) => ({ successes: rate, volume: 100 }))

it('works out the mean less so many standard deviations', () => {
  // Rates 1, 1, 1, 1, 0.5: mean 0.9, variance (4 · 0.01 + 0.16) / 5 = 0.04, deviation 0.2; 0.9 − 1.9 · 0.2 = 0.52.
  expect(requiredSuccessRate(samples(100, 100, 100, 100, 50), rules)).toBeCloseTo(0.52, 12)
  expect(requiredSuccessRate(samples(100, 100, 100, 100, 50), { ...rules, stdevFactor: 500 })).toBeCloseTo(0.8, 12)
})

it('expects of equals what they all do', () => {
  expect(requiredSuccessRate(samples(30, 30, 30, 30, 30), rules)).toBeCloseTo(0.3, 12)
})

it('leaves out endpoints with too few requests, and says nothing of too few endpoints', () => {
  const rare = { successes: 0, volume: 99 }
  expect(requiredSuccessRate([...samples(100, 100, 100, 100, 50), rare], rules)).toBeCloseTo(0.52, 12)
  expect(requiredSuccessRate([...samples(100, 100, 100, 100), rare], rules)).toBeUndefined()
  expect(requiredSuccessRate([], { ...rules, minimumHosts: 0 })).toBeUndefined()
})

it('judges failures by themselves', () => {
  const failing = { threshold: 85, enforcementPercentage: 100, minimumHosts: 2, requestVolume: 50 }
  expect(failurePercentage({ successes: 15, volume: 100 })).toBe(85)
  expect(judgesFailures(samples(100, 0), failing)).toBe(true)
  expect(judgesFailures([...samples(100), { successes: 0, volume: 49 }], failing)).toBe(false)
})
