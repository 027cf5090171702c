import { describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import type { LoadStreamObserver } from '../../src/core/load/load-stream.js'
import { subscribeLoad } from '../../src/core/load/subscription.js'
import type { Endpoint } from '../../src/core/model/endpoint.js'
import { endpoint, runtime, snapshot } from '../support/balancing.js'

interface FakeStream {
  readonly host: string
  readonly periodMs: number
  readonly observer: LoadStreamObserver
  isOpen: boolean
}

const OOB = { loadBalancingConfig: [{ weighted_round_robin: { enableOobLoadReport: true, blackoutPeriod: '0s' } }] }

function setUp() {
  const own = runtime()
  const balancer = createBalancer({}, own)
  const streams: FakeStream[] = []
  const refused = new Set<string>()
  const subscription = subscribeLoad(balancer, own, {
    open({ endpoint: { host, address } }, periodMs, observer) {
      if (refused.has(address)) return undefined
      const stream = { host, periodMs, observer, isOpen: true }
      streams.push(stream)
      return () => (stream.isOpen = false)
    },
  })
  const update = async (endpoints: readonly Endpoint[], serviceConfig: Readonly<Record<string, unknown>> = OOB) => {
    balancer.update({ ...snapshot(endpoints), serviceConfig })
    subscription.update()
    await own.clock.advance(10)
  }
  const open = () => streams.filter(({ isOpen }) => isOpen)
  return { balancer, clock: own.clock, streams, refused, subscription, update, open }
}

const LOAD = { rps: 10, eps: 0, cpuUtilization: 0, applicationUtilization: 0.5 }

describe('a subscription to load', () => {
  it('has one stream for each server that takes traffic, while the config wants that', async () => {
    const { update, open, clock, streams } = setUp()
    const all = [
      endpoint(1),
      endpoint(2, { state: 'drain' }),
      endpoint(3, { role: 'balancer' }),
      endpoint(4, { weight: 0 }),
    ]
    await update(all)
    expect(
      open()
        .map(({ host }) => host)
        .sort(),
    ).toEqual([endpoint(1).host, endpoint(4).host])
    expect(open()[0]).toMatchObject({ periodMs: 10_000 })
    await update(all)
    expect(streams).toHaveLength(2)
    await update(all.slice(3))
    expect(open()).toHaveLength(1)
    await update(all, { loadBalancingConfig: [{ round_robin: {} }] })
    expect(open()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('asks anew when another instance or another period comes', async () => {
    const { update, open, streams } = setUp()
    await update([endpoint(1)])
    await update([endpoint(1, { weight: 7 })])
    expect(streams).toHaveLength(1)
    await update([endpoint(1, { id: 'another' })])
    expect([streams.length, open().length]).toEqual([2, 1])
    await update([endpoint(1, { id: 'another' })], {
      loadBalancingConfig: [{ weighted_round_robin: { enableOobLoadReport: true, oobReportingPeriod: '2s' } }],
    })
    expect(open()).toMatchObject([{ periodMs: 2000 }])
  })

  it('passes reports on as weights', async () => {
    const { update, open, balancer, clock } = setUp()
    await update([endpoint(1), endpoint(2)])
    for (const { host, observer } of open()) {
      observer.report({ ...LOAD, rps: host === endpoint(1).host ? 10 : 30 })
    }
    await clock.advance(1000)
    expect(balancer.status().upstreams.map(({ upstream }) => upstream.weight)).toEqual([333, 1000])
  })

  it('comes back later and later to an endpoint that breaks off, and soon again once it has reported', async () => {
    const { update, open, streams, clock } = setUp()
    await update([endpoint(1)])
    const waits: number[] = []
    for (let i = 0; i < 12; i++) {
      const before = clock.now()
      open()[0]!.observer.ended('gone')
      expect(open()).toEqual([])
      while (open().length === 0) await clock.advance(100)
      waits.push(clock.now() - before)
    }
    expect(Math.max(...waits.slice(0, 2))).toBeLessThanOrEqual(2100)
    expect(Math.max(...waits)).toBeGreaterThan(20_000)
    expect(Math.max(...waits)).toBeLessThanOrEqual(120_100)
    open()[0]!.observer.report(LOAD)
    open()[0]!.observer.ended('gone')
    await clock.advance(1000)
    expect(open()).toHaveLength(1)
    expect(streams).toHaveLength(14)
  })

  it('gives a silent stream up, and leaves one alone whose endpoint offers nothing', async () => {
    const { update, open, streams, clock } = setUp()
    await update([endpoint(1)])
    await clock.advance(80_000)
    open()[0]!.observer.report(LOAD)
    await clock.advance(80_000)
    expect(streams).toHaveLength(1)
    await clock.advance(12_000)
    expect([streams[0]!.isOpen, open().length]).toEqual([false, 1])
    open()[0]!.observer.unsupported()
    await clock.advance(3_600_000)
    expect([streams.length, open().length]).toEqual([2, 1])
    open()[0]!.observer.ended('the connection was lost')
    await clock.advance(2000)
    expect([streams.length, open().length]).toEqual([3, 1])
  })

  it('never reaches out to a refused endpoint, and to nobody after close', async () => {
    const { update, open, refused, subscription, clock, streams } = setUp()
    refused.add(endpoint(1).address)
    await update([endpoint(1), endpoint(2)])
    expect(open().map(({ host }) => host)).toEqual([endpoint(2).host])
    streams[0]!.observer.ended('gone')
    subscription.close()
    subscription.close()
    await update([endpoint(1), endpoint(2), endpoint(3)], { loadBalancingConfig: [{ round_robin: {} }] })
    await clock.advance(200_000)
    expect(open()).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
