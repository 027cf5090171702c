import type { FailurePercentageEjection, SuccessRateEjection } from '../../balancer/outlier-detection.js'

/** What an endpoint did in an interval. */
export interface Sample {
  readonly successes: number
  readonly volume: number
}

/** The success rate below which an endpoint is an outlier, 0 to 1; undefined when too few have had enough requests (gRFC A50). */
export function requiredSuccessRate(samples: readonly Sample[], rules: SuccessRateEjection): number | undefined {
  const rates = enough(samples, rules).map(rateOf)
  if (rates.length === 0 || rates.length < rules.minimumHosts) return undefined
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length
  return mean - Math.sqrt(variance) * (rules.stdevFactor / 1000)
}

/** Whether enough endpoints have had enough requests to judge any by its failure percentage (gRFC A50). */
export function judgesFailures(samples: readonly Sample[], rules: FailurePercentageEjection): boolean {
  return enough(samples, rules).length >= rules.minimumHosts
}

export function rateOf({ successes, volume }: Sample): number {
  return successes / volume
}

/** Percent of the requests that failed. */
export function failurePercentage({ successes, volume }: Sample): number {
  return (100 * (volume - successes)) / volume
}

/** Whether an endpoint has had enough requests to be judged. */
export function isJudged({ volume }: Sample, { requestVolume }: { requestVolume: number }): boolean {
  return volume > 0 && volume >= requestVolume
}

function enough(samples: readonly Sample[], rules: { requestVolume: number }): readonly Sample[] {
  return samples.filter((sample) => isJudged(sample, rules))
}
