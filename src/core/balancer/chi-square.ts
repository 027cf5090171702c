import { upperGamma } from './upper-gamma.js'

/** Pearson's test of whether counts come from the expected shares by independent draws. */
export interface ChiSquare {
  /** The sum of (count − expected)² / expected. */
  readonly statistic: number
  /** Endpoints that are expected to get something, less one. */
  readonly degreesOfFreedom: number
  /** How often independent draws would stray at least as far, 0 to 1. */
  readonly pValue: number
  readonly verdict: ChiSquareVerdict
  /** How many picks a verdict takes. */
  readonly enough: number
}

/**
 * `chance`: as far from the expected shares as independent draws come. `even`: closer than they come, as of policies that take turns.
 * `uneven`: farther than they come. `too_few`: so few picks say nothing.
 */
export type ChiSquareVerdict = 'chance' | 'even' | 'uneven' | 'too_few'

/** Below this p-value, or above its complement, chance is not believed in. */
const SIGNIFICANCE = 0.01
/** The usual condition for the statistic to follow its distribution: so many picks expected of every endpoint. */
const LEAST_EXPECTED = 5

/** Undefined where fewer than two endpoints are expected to get anything: there is nothing to compare then. */
export function chiSquareTest(
  counts: readonly { readonly picks: number; readonly expected: number }[],
): ChiSquare | undefined {
  const compared = counts.filter(({ expected }) => expected > 0)
  if (compared.length < 2) return undefined
  const total = counts.reduce((sum, { picks }) => sum + picks, 0)
  const statistic = compared.reduce((sum, { picks, expected }) => {
    const due = expected * total
    return due === 0 ? sum : sum + (picks - due) ** 2 / due
  }, 0)
  const degreesOfFreedom = compared.length - 1
  const pValue = upperGamma(degreesOfFreedom / 2, statistic / 2)
  const least = compared.reduce((min, { expected }) => Math.min(min, expected), 1)
  const enough = Math.ceil(LEAST_EXPECTED / least)
  return { statistic, degreesOfFreedom, pValue, verdict: total < enough ? 'too_few' : verdictOf(pValue), enough }
}

function verdictOf(pValue: number): ChiSquareVerdict {
  if (pValue < SIGNIFICANCE) return 'uneven'
  return pValue > 1 - SIGNIFICANCE ? 'even' : 'chance'
}

/** The verdict as a phrase for people. */
export function explainChiSquare({ verdict, enough }: ChiSquare): string {
  switch (verdict) {
    case 'chance':
      return 'as close to the expected shares as independent draws come'
    case 'even':
      return 'closer to the expected shares than independent draws come'
    case 'uneven':
      return 'farther from the expected shares than chance explains'
    case 'too_few':
      return `too few picks for a verdict, which takes ${enough}`
  }
}
