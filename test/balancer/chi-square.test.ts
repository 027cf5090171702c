import { describe, expect, it } from 'vitest'
import { chiSquareTest, explainChiSquare } from '../../src/core/balancer/chi-square.js'
import { upperGamma } from '../../src/core/balancer/upper-gamma.js'

const counts = (picks: readonly number[], shares: readonly number[]) =>
  picks.map((each, i) => ({ picks: each, expected: shares[i]! }))

describe('the chance to stray so far', () => {
  // Critical values from printed tables of the chi-square distribution.
  it.each([
    [1, 3.841, 0.05],
    [1, 6.635, 0.01],
    [2, 5.991, 0.05],
    [2, 13.816, 0.001],
    [5, 1.145, 0.95],
    [10, 18.307, 0.05],
    [30, 50.892, 0.01],
    [100, 124.342, 0.05],
    [100, 70.065, 0.99],
  ])('with %d degrees of freedom and %d is %d', (degrees, statistic, chance) => {
    expect(upperGamma(degrees / 2, statistic / 2)).toBeCloseTo(chance, 4)
  })

  it('has a closed form with two degrees of freedom', () => {
    for (const x of [0, 0.01, 0.5, 1, 1.99, 2, 2.01, 7, 40, 500]) {
      expect(upperGamma(1, x)).toBeCloseTo(Math.exp(-x), 12)
    }
  })

  it('falls with the statistic, from 1 to 0, with a thousand degrees of freedom too', () => {
    const chances = [0, 1, 500, 900, 1000, 1100, 2000, 1e5].map((x) => upperGamma(500, x / 2))
    expect(chances[0]).toBe(1)
    expect(chances.at(-1)).toBe(0)
    for (let i = 1; i < chances.length; i++) expect(chances[i]!).toBeLessThanOrEqual(chances[i - 1]!)
    expect(chances[4]).toBeCloseTo(0.4941, 3)
  })
})

describe('the verdict', () => {
  it('is "even" for turns, "chance" for draws, "uneven" for a bias', () => {
    expect(chiSquareTest(counts([500, 300, 200], [0.5, 0.3, 0.2]))).toMatchObject({ statistic: 0, verdict: 'even' })
    const drawn = chiSquareTest(counts([520, 290, 190], [0.5, 0.3, 0.2]))!
    expect(drawn.statistic).toBeCloseTo(0.8 + 1 / 3 + 0.5, 10)
    expect(drawn).toMatchObject({ degreesOfFreedom: 2, verdict: 'chance' })
    expect(chiSquareTest(counts([600, 250, 150], [0.5, 0.3, 0.2]))).toMatchObject({ verdict: 'uneven' })
  })

  it('is not given for too few picks, and says how many it takes', () => {
    const few = chiSquareTest(counts([9, 0], [0.9, 0.1]))!
    expect(few).toMatchObject({ verdict: 'too_few', enough: 50 })
    expect(explainChiSquare(few)).toContain('50')
    expect(chiSquareTest(counts([45, 5], [0.9, 0.1]))).toMatchObject({ verdict: 'even' })
    expect(chiSquareTest(counts([0, 0], [0.5, 0.5]))).toMatchObject({ statistic: 0, verdict: 'too_few' })
  })

  it('leaves out endpoints that are to get nothing, and does not exist where one gets everything', () => {
    expect(chiSquareTest(counts([50, 50, 0], [0.5, 0.5, 0]))).toMatchObject({ degreesOfFreedom: 1 })
    expect(chiSquareTest(counts([7, 0], [1, 0]))).toBeUndefined()
  })
})
