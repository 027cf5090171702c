import {
  configFields,
  durationField,
  integerField,
  invalid,
  objectField,
  type ConfigFields,
} from './policies/config.js'

/** When an endpoint whose requests fail is taken out, and for how long (gRFC A50, and Envoy's consecutive failures). */
export interface OutlierDetection {
  /** Between two looks at everybody's success, milliseconds. */
  readonly intervalMs: number
  /** For how long an endpoint is taken out the first time; twice that the second time, and so on. Milliseconds. */
  readonly baseEjectionMs: number
  /** The longest it is taken out, milliseconds. */
  readonly maxEjectionMs: number
  /** How much of the service may be out at once, percent; where that is above 0, one endpoint may. */
  readonly maxEjectionPercent: number
  /** So many failures in a row take an endpoint out at once; 0: never. */
  readonly consecutiveFailures: number
  /** Takes out those whose success rate is far below the others'. Absent: nobody. */
  readonly successRate?: SuccessRateEjection
  /** Takes out those that fail too often by a fixed measure. Absent: nobody. */
  readonly failurePercentage?: FailurePercentageEjection
}

interface Ejection {
  /** With what chance an outlier is taken out, percent. */
  readonly enforcementPercentage: number
  /** How many endpoints must have had enough requests. */
  readonly minimumHosts: number
  /** How many requests in an interval are enough. */
  readonly requestVolume: number
}

export interface SuccessRateEjection extends Ejection {
  /** An outlier is below the mean by this many thousandths of the standard deviation. */
  readonly stdevFactor: number
}

export interface FailurePercentageEjection extends Ejection {
  /** An outlier fails more often than this, percent. */
  readonly threshold: number
}

const SUCCESS_RATE: SuccessRateEjection = {
  stdevFactor: 1900,
  enforcementPercentage: 100,
  minimumHosts: 5,
  requestVolume: 100,
}

const FAILURE_PERCENTAGE: FailurePercentageEjection = {
  threshold: 85,
  enforcementPercentage: 100,
  minimumHosts: 5,
  requestVolume: 50,
}

/** What holds where a service says nothing: Envoy's defaults. */
export const DEFAULT_OUTLIER_DETECTION: OutlierDetection = Object.freeze({
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 10,
  consecutiveFailures: 5,
  successRate: SUCCESS_RATE,
})

/** gRPC's name of the policy that wraps another one and ejects. */
export const OUTLIER_DETECTION = 'outlier_detection_experimental'

/**
 * Reads an `OutlierDetectionLoadBalancingConfig` (gRFC A50). `consecutiveFailures` is fairlead's addition, which gRPC's
 * clients pass over. Throws INVALID_ARGUMENT naming the field.
 */
export function parseOutlierDetection(raw: unknown): OutlierDetection {
  const fields = configFields(OUTLIER_DETECTION, raw)
  const defaults = DEFAULT_OUTLIER_DETECTION
  const baseEjectionMs = durationField(OUTLIER_DETECTION, fields, 'baseEjectionTime') ?? defaults.baseEjectionMs
  const intervalMs = durationField(OUTLIER_DETECTION, fields, 'interval') ?? defaults.intervalMs
  if (intervalMs <= 0) throw invalid(`${OUTLIER_DETECTION}: interval must be longer than 0`)
  const successRate = objectField(OUTLIER_DETECTION, fields, 'successRateEjection')
  const failurePercentage = objectField(OUTLIER_DETECTION, fields, 'failurePercentageEjection')
  return {
    intervalMs,
    baseEjectionMs,
    // No less than the base time (gRFC A50).
    maxEjectionMs: Math.max(
      baseEjectionMs,
      durationField(OUTLIER_DETECTION, fields, 'maxEjectionTime') ?? defaults.maxEjectionMs,
    ),
    maxEjectionPercent: percent(fields, 'maxEjectionPercent') ?? defaults.maxEjectionPercent,
    consecutiveFailures: integerField(OUTLIER_DETECTION, fields, 'consecutiveFailures') ?? defaults.consecutiveFailures,
    ...(successRate && {
      successRate: {
        ...ejection(successRate, SUCCESS_RATE),
        stdevFactor: integerField(OUTLIER_DETECTION, successRate, 'stdevFactor') ?? SUCCESS_RATE.stdevFactor,
      },
    }),
    ...(failurePercentage && {
      failurePercentage: {
        ...ejection(failurePercentage, FAILURE_PERCENTAGE),
        threshold: percent(failurePercentage, 'threshold') ?? FAILURE_PERCENTAGE.threshold,
      },
    }),
  }
}

function ejection(fields: ConfigFields, defaults: Ejection): Ejection {
  const { minimumHosts, requestVolume } = defaults
  return {
    enforcementPercentage: percent(fields, 'enforcementPercentage') ?? defaults.enforcementPercentage,
    minimumHosts: integerField(OUTLIER_DETECTION, fields, 'minimumHosts') ?? minimumHosts,
    requestVolume: integerField(OUTLIER_DETECTION, fields, 'requestVolume') ?? requestVolume,
  }
}

/** No percentage may be above 100 (gRFC A50, "Validation"). */
function percent(fields: ConfigFields, name: string): number | undefined {
  const value = integerField(OUTLIER_DETECTION, fields, name)
  if (value !== undefined && value > 100) throw invalid(`${OUTLIER_DETECTION}: ${name} is more than 100`)
  return value
}
