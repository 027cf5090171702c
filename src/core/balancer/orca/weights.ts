import type { LoadReport } from './load-report.js'

/** How load reports become weights (`WeightedRoundRobinLbConfig`, gRFC A58). Times in milliseconds. */
export interface LoadWeightRules {
  /** For how long an endpoint must have reported before its weight counts. */
  readonly blackoutMs: number
  /** After this long without a report a weight counts no more. */
  readonly expirationMs: number
  /** Between two times that new weights are put into use. */
  readonly updateMs: number
  /** How much errors lower the weight: 1 makes an endpoint with only errors look twice as loaded as it is when fully busy. */
  readonly errorUtilizationPenalty: number
  /** How often endpoints are asked for reports outside of responses; undefined: not at all. */
  readonly oobMs: number | undefined
}

/** What one endpoint's reports amount to. */
export class ReportedWeight {
  #weight = 0
  #updatedAt = -Infinity
  /** Since when there have been reports without a gap. */
  #since = Infinity

  /** Takes in a report at `now` (monotonic milliseconds). One without a rate or without a utilization says nothing. */
  report(load: LoadReport, rules: LoadWeightRules, now: number): void {
    const weight = weightOf(load, rules.errorUtilizationPenalty)
    if (weight === 0) return
    if (this.#since === Infinity) this.#since = now
    this.#updatedAt = now
    this.#weight = weight
  }

  /** The endpoint was away and is connected to again: it must have reported for the blackout period anew. */
  reconnected(): void {
    this.#since = Infinity
  }

  /** The weight at `now`, in no particular unit; 0 while nothing is known. */
  at(rules: LoadWeightRules, now: number): number {
    if (now - this.#updatedAt >= rules.expirationMs) {
      this.#since = Infinity
      return 0
    }
    return rules.blackoutMs > 0 && now - this.#since < rules.blackoutMs ? 0 : this.#weight
  }

  isExpired(rules: LoadWeightRules, now: number): boolean {
    return now - this.#updatedAt >= rules.expirationMs
  }
}

/** weight = qps / (utilization + eps / qps · errorUtilizationPenalty) (gRFC A58); 0 where a report does not give one. */
export function weightOf(load: LoadReport, errorUtilizationPenalty: number): number {
  const utilization = load.applicationUtilization > 0 ? load.applicationUtilization : load.cpuUtilization
  if (load.rps <= 0 || utilization <= 0) return 0
  const weight = load.rps / (utilization + (load.eps / load.rps) * errorUtilizationPenalty)
  return Number.isFinite(weight) ? weight : 0
}

/** The heaviest of reported weights, as weights of endpoints go. */
const HEAVIEST = 1000

/**
 * Brings reported weights into the range of endpoints' weights, whole numbers from 1 to 1000; endpoints without one (0) get
 * the mean. Undefined when fewer than two have one: there is nothing to compare then (gRFC A58).
 */
export function scaleWeights(reported: readonly number[]): number[] | undefined {
  const known = reported.filter((weight) => weight > 0)
  if (known.length < 2) return undefined
  const mean = known.reduce((sum, weight) => sum + weight, 0) / known.length
  const heaviest = known.reduce((most, weight) => Math.max(most, weight), 0)
  return reported.map((weight) => Math.max(1, Math.round(((weight || mean) / heaviest) * HEAVIEST)))
}
