import { describe, expect, it } from 'vitest'
import { DEFAULT_OUTLIER_DETECTION, parseOutlierDetection } from '../../src/core/balancer/outlier-detection.js'
import { parseServiceConfig } from '../../src/core/balancer/service-config.js'

const wrapped = (config: object) => ({ loadBalancingConfig: [{ outlier_detection_experimental: config }] })

describe('outlier_detection_experimental', () => {
  it('wraps the policy that chooses', () => {
    const choice = parseServiceConfig(
      wrapped({ childPolicy: [{ nobody_knows: {} }, { least_request_experimental: { choiceCount: 3 } }] }),
    )
    expect(choice).toMatchObject({ name: 'least_request', outlierDetection: { intervalMs: 10_000 } })
  })

  it('has gRPC’s defaults, and neither algorithm that is not asked for', () => {
    const { successRate: _, ...rest } = DEFAULT_OUTLIER_DETECTION
    expect(parseOutlierDetection({})).toEqual(rest)
    expect(parseOutlierDetection({ successRateEjection: {}, failurePercentageEjection: {} })).toEqual({
      ...rest,
      successRate: { stdevFactor: 1900, enforcementPercentage: 100, minimumHosts: 5, requestVolume: 100 },
      failurePercentage: { threshold: 85, enforcementPercentage: 100, minimumHosts: 5, requestVolume: 50 },
    })
  })

  it('reads every field, in both spellings', () => {
    const config = parseOutlierDetection({
      interval: '1.5s',
      baseEjectionTime: '400s',
      max_ejection_percent: 50,
      consecutiveFailures: 0,
      success_rate_ejection: { stdevFactor: 500, minimumHosts: 2, requestVolume: 7, enforcementPercentage: 40 },
      failurePercentageEjection: { threshold: 10 },
    })
    expect(config).toMatchObject({
      intervalMs: 1500,
      baseEjectionMs: 400_000,
      maxEjectionMs: 400_000,
      maxEjectionPercent: 50,
      consecutiveFailures: 0,
      successRate: { stdevFactor: 500, minimumHosts: 2, requestVolume: 7, enforcementPercentage: 40 },
      failurePercentage: { threshold: 10 },
    })
  })

  it.each([
    [{ interval: '0s' }, /interval must be longer/],
    [{ interval: 10 }, /interval is not a duration/],
    [{ baseEjectionTime: '-1s' }, /baseEjectionTime is not a duration/],
    [{ maxEjectionPercent: 101 }, /maxEjectionPercent is more than 100/],
    [{ successRateEjection: [] }, /successRateEjection is not a JSON object/],
    [{ successRateEjection: { enforcementPercentage: 200 } }, /enforcementPercentage is more than 100/],
    [{ failurePercentageEjection: { threshold: 101 } }, /threshold is more than 100/],
  ])('refuses %j', (config, message) => {
    expect(() => parseServiceConfig(wrapped({ ...config, childPolicy: [{ random: {} }] }))).toThrow(message)
  })

  it('must have a child policy', () => {
    expect(() => parseServiceConfig(wrapped({}))).toThrow('no childPolicy')
  })
})
