import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../../src/core/balancer/balancer.js'
import {
  type LoadWeightRules,
  ReportedWeight,
  scaleWeights,
  weightOf,
} from '../../../src/core/balancer/orca/weights.js'
import { choosePolicy } from '../../../src/core/balancer/service-config.js'
import { endpoint, runtime, snapshot } from '../../support/balancing.js'

const NOTHING = { rps: 0, eps: 0, cpuUtilization: 0, applicationUtilization: 0 }
const rules: LoadWeightRules = {
  blackoutMs: 10_000,
  expirationMs: 180_000,
  updateMs: 1000,
  errorUtilizationPenalty: 1,
  oobMs: undefined,
}

describe('the weight of a report', () => {
  it('is the rate over utilization, errors added as a share of the requests', () => {
    // 100 / (0.5 + 20 / 100 · 1) = 142.857…; with a penalty of 2: 100 / 0.9.
    const report = { ...NOTHING, rps: 100, eps: 20, cpuUtilization: 0.5 }
    expect(weightOf(report, 1)).toBeCloseTo(142.857142857, 8)
    expect(weightOf(report, 2)).toBeCloseTo(111.111111111, 8)
    expect(weightOf(report, 0)).toBe(200)
  })

  it('goes by the application’s utilization before the processor’s', () => {
    expect(weightOf({ ...NOTHING, rps: 10, cpuUtilization: 0.1, applicationUtilization: 0.5 }, 1)).toBe(20)
  })

  it('is none without a rate or a utilization', () => {
    expect(weightOf({ ...NOTHING, rps: 10 }, 1)).toBe(0)
    expect(weightOf({ ...NOTHING, cpuUtilization: 0.5 }, 1)).toBe(0)
    expect(weightOf({ ...NOTHING, rps: 1e308, cpuUtilization: 1e-10 }, 1)).toBe(0)
  })
})

describe('a reported weight', () => {
  const report = { ...NOTHING, rps: 100, cpuUtilization: 0.5 }

  it('counts after the blackout and until it expires, and then must wait again', () => {
    const weight = new ReportedWeight()
    expect(weight.at(rules, 0)).toBe(0)
    weight.report(report, rules, 1000)
    weight.report(NOTHING, rules, 5000)
    expect(weight.at(rules, 10_900)).toBe(0)
    expect(weight.at(rules, 11_000)).toBe(200)
    expect(weight.at(rules, 180_900)).toBe(200)
    expect(weight.at(rules, 181_000)).toBe(0)
    weight.report(report, rules, 200_000)
    expect(weight.at(rules, 205_000)).toBe(0)
    expect(weight.at(rules, 210_000)).toBe(200)
  })

  it('waits for the blackout anew once the endpoint is connected to again', () => {
    const weight = new ReportedWeight()
    weight.report(report, rules, 0)
    expect(weight.at(rules, 10_000)).toBe(200)
    weight.reconnected()
    expect(weight.at(rules, 10_001)).toBe(0)
    expect(weight.at({ ...rules, blackoutMs: 0 }, 10_001)).toBe(200)
    weight.report(report, rules, 10_002)
    expect(weight.at(rules, 20_001)).toBe(0)
    expect(weight.at(rules, 20_002)).toBe(200)
  })

  it('counts at once without a blackout', () => {
    const weight = new ReportedWeight()
    weight.report(report, { ...rules, blackoutMs: 0 }, 5)
    expect(weight.at({ ...rules, blackoutMs: 0 }, 5)).toBe(200)
  })
})

describe('scaling', () => {
  it('keeps proportions, and gives the mean where nothing was reported', () => {
    expect(scaleWeights([100, 200, 0, 300])).toEqual([333, 667, 667, 1000])
    expect(scaleWeights([1e-9, 1e9, 1e9])).toEqual([1, 1000, 1000])
  })

  it('does not happen with fewer than two reports', () => {
    expect(scaleWeights([0, 500, 0])).toBeUndefined()
    expect(scaleWeights([])).toBeUndefined()
  })
})

describe('weighted_round_robin by load', () => {
  const config = { weightedRoundRobin: { blackoutPeriod: '2s', weightExpirationPeriod: '10s' } }
  const serviceConfig = { loadBalancingConfig: [{ weighted_round_robin: config.weightedRoundRobin }] }

  function start() {
    const own = runtime()
    const balancer = createBalancer({}, own)
    const endpoints = [endpoint(1, { weight: 9 }), endpoint(2), endpoint(3)]
    balancer.update({ ...snapshot(endpoints), serviceConfig })
    const count = (picks: number) => {
      const counts = [0, 0, 0]
      for (let i = 0; i < picks; i++) counts[Number(balancer.pick({}).upstream.endpoint.host.at(-1)) - 1]!++
      return counts
    }
    const report = (n: number, rps: number) => {
      const load = { ...NOTHING, rps, cpuUtilization: 0.5 }
      balancer.pick({ prefer: endpoint(n).address }).done({ ok: true, load })
    }
    return { balancer, clock: own.clock, endpoints, count, report }
  }

  it('asks for reports only where the config has a field of gRPC’s', () => {
    const balancer = createBalancer({}, runtime())
    const wants = (policy: object) => {
      balancer.update({ ...snapshot([endpoint(1)]), serviceConfig: { loadBalancingConfig: [policy] } })
      return balancer.wantsLoadReports
    }
    expect(wants({ weighted_round_robin: {} })).toBe(false)
    expect(wants({ weighted_round_robin: { enableOobLoadReport: false } })).toBe(true)
    expect(wants({ round_robin: { blackoutPeriod: '1s' } })).toBe(false)
    expect(wants({ weighted_round_robin: { weight_update_period: '5s' } })).toBe(true)
    expect(wants({ weighted_round_robin: {} })).toBe(false)
  })

  it('goes by the registry’s weights, then by load, then by the registry’s again', async () => {
    const { clock, count, report } = start()
    report(1, 100)
    report(2, 300)
    await clock.advance(1900)
    expect(count(110)).toEqual([90, 10, 10])
    report(1, 100)
    report(2, 300)
    await clock.advance(1200)
    // 100 and 300, and their mean for the third.
    expect(count(600)).toEqual([100, 300, 200])
    await clock.advance(12_000)
    expect(count(110)).toEqual([90, 10, 10])
    expect(clock.pending).toBe(0)
  })

  it('asks for reports out of band where the config says so', () => {
    const balancer = createBalancer({}, runtime())
    const period = (fields: object) => {
      balancer.update({
        ...snapshot([endpoint(1)]),
        serviceConfig: { loadBalancingConfig: [{ weighted_round_robin: fields }] },
      })
      return balancer.oobReportingMs
    }
    expect(period({})).toBeUndefined()
    expect(period({ oobReportingPeriod: '5s' })).toBeUndefined()
    expect(period({ enableOobLoadReport: true })).toBe(10_000)
    expect(period({ enable_oob_load_report: true, oob_reporting_period: '5s' })).toBe(5000)
    expect(period({ enableOobLoadReport: true, oobReportingPeriod: '0s' })).toBe(100)
  })

  it('forgets them with another instance and with another policy', async () => {
    const { balancer, clock, count, report, endpoints } = start()
    for (const n of [1, 2, 3]) report(n, n * 100)
    await clock.advance(2100)
    expect(count(600)).toEqual([100, 200, 300])
    const replaced = endpoints.map((each, i) => (i === 2 ? { ...each, id: 'another' } : each))
    balancer.update({ ...snapshot(replaced), serviceConfig })
    expect(count(450)).toEqual([100, 200, 150])
    balancer.update(snapshot(replaced))
    expect(count(110)).toEqual([90, 10, 10])
    expect(clock.pending).toBe(0)
  })

  it.each([
    [{ blackoutPeriod: 5 }, /blackoutPeriod is not a duration/],
    [{ errorUtilizationPenalty: -1 }, /errorUtilizationPenalty is not a number/],
    [{ enableOobLoadReport: 'no' }, /enableOobLoadReport is neither/],
  ])('refuses %j', (fields, message) => {
    expect(() => choosePolicy('weighted_round_robin', fields)).toThrow(message)
  })

  it('has gRPC’s defaults', () => {
    expect(choosePolicy('weighted_round_robin', { errorUtilizationPenalty: 0 }).config).toEqual({
      blackoutMs: 10_000,
      expirationMs: 180_000,
      updateMs: 1000,
      errorUtilizationPenalty: 0,
    })
    expect(choosePolicy('weighted_round_robin', { weightUpdatePeriod: '0.01s' }).config).toMatchObject({
      updateMs: 100,
    })
  })
})
