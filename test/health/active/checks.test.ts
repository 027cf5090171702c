import { describe, expect, it } from 'vitest'
import { Gate } from '../../../src/core/health/active/gate.js'
import { endpoint } from '../../support/balancing.js'
import { settle } from '../../support/manual-clock.js'
import { startMonitor, TCP } from '../support.js'

const [a, b, c] = [endpoint(1), endpoint(2), endpoint(3)]
const options = { checks: { check: TCP, intervalMs: 1000 }, outlierDetection: false }

describe('active checks', () => {
  it('give a first verdict at once', async () => {
    const { balancer, changes, failing, clock, update } = startMonitor(options, [a, b])
    failing.set(c.address, 'connection refused')
    update([a, b, c])
    await clock.advance(20)
    expect(balancer.status().upstreams.map(({ verdict }) => verdict)).toEqual(['ready', 'ready', 'unhealthy'])
    expect(changes).toEqual([
      { kind: 'endpoint', address: c.address, health: 'unhealthy', reason: 'connection refused' },
    ])
  })

  it('take an endpoint out after three failures and back after two successes', async () => {
    const { changes, failing, clock } = startMonitor(options, [a, b, c])
    await clock.advance(100)
    failing.set(b.address, 'timed out')
    await clock.advance(2400)
    expect(changes).toEqual([])
    await clock.advance(1000)
    expect(changes).toMatchObject([{ address: b.address, health: 'unhealthy' }])
    failing.clear()
    await clock.advance(1100)
    expect(changes).toHaveLength(1)
    await clock.advance(1200)
    expect(changes.slice(1)).toEqual([{ kind: 'endpoint', address: b.address, health: 'healthy', reason: '' }])
  })

  it('come at the interval, give or take a tenth, and not in step', async () => {
    const { probes, clock } = startMonitor(options, [a, b, c])
    await clock.advance(20_000)
    const times = (address: string) => probes.filter((each) => each.address === address).map(({ at }) => at)
    for (const { address } of [a, b, c]) {
      const gaps = times(address)
        .map((at, i, all) => at - (all[i - 1] ?? at))
        .slice(1)
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(900)
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1100)
    }
    expect(times(a.address).at(-1)).not.toBe(times(b.address).at(-1))
  })

  it('stop with the endpoint, with maintenance and with the monitor', async () => {
    const { probes, clock, update, monitor } = startMonitor(options, [a, b, c])
    await clock.advance(100)
    update([a, { ...b, state: 'maint' }])
    probes.length = 0
    await clock.advance(5000)
    expect(new Set(probes.map(({ address }) => address))).toEqual(new Set([a.address]))
    monitor.close()
    probes.length = 0
    await clock.advance(5000)
    expect(probes).toEqual([])
  })

  it('begin afresh with another instance at the same address', async () => {
    const { changes, failing, clock, update, upstreamOf } = startMonitor(options, [a, b, c])
    failing.set(b.address, 'refused')
    await clock.advance(5000)
    expect(upstreamOf(b).fault).toBe('unhealthy')
    failing.clear()
    update([a, { ...b, id: 'another' }, c])
    expect(upstreamOf(b).fault).toBeUndefined()
    await clock.advance(20)
    expect(upstreamOf(b).fault).toBeUndefined()
    expect(changes).toHaveLength(1)
  })

  it('blame nobody for a stall of this process', async () => {
    const { changes, failing, clock } = startMonitor(options, [a, b, c])
    await clock.advance(100)
    for (const { address } of [a, b, c]) failing.set(address, 'timed out')
    for (let i = 0; i < 5; i++) {
      clock.jump(5000)
      await clock.advance(4000)
    }
    expect(changes).toEqual([])
  })

  it('that are no longer asked for are forgotten', async () => {
    const { failing, clock, monitor, upstreamOf, probes } = startMonitor(options, [a, b, c])
    failing.set(b.address, 'refused')
    await clock.advance(5000)
    monitor.reconfigure({ outlierDetection: false })
    expect(upstreamOf(b).fault).toBeUndefined()
    probes.length = 0
    await clock.advance(5000)
    expect(probes).toEqual([])
    monitor.reconfigure({ checks: { check: TCP, intervalMs: 500 }, outlierDetection: false })
    await clock.advance(100)
    expect(upstreamOf(b).fault).toBe('unhealthy')
  })

  it('of ten thousand endpoints are bounded in number', async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => endpoint(i))
    const { probes, room, monitor } = startMonitor(options, many, undefined, 500)
    while (probes.length < many.length) await settle()
    expect(room.peak).toBe(500)
    expect(new Set(probes.map(({ address }) => address)).size).toBe(10_000)
    monitor.close()
  })
})

describe('gate', () => {
  it('lets so many in at a time, in order, and forgets who gave up', async () => {
    const gate = new Gate(2)
    const never = new AbortController().signal
    const order: string[] = []
    const enter = (name: string, signal = never) => gate.enter(signal).then((inside) => order.push(`${name} ${inside}`))
    const gaveUp = new AbortController()
    void enter('a')
    void enter('b')
    void enter('c', gaveUp.signal)
    void enter('d')
    await settle()
    expect(order).toEqual(['a true', 'b true'])
    gaveUp.abort()
    gate.leave()
    await settle()
    expect(order.slice(2)).toEqual(['c false', 'd true'])
    gate.leave()
    gate.leave()
    void enter('e')
    void enter('f')
    void enter('g')
    await settle()
    expect(order.slice(4)).toEqual(['e true', 'f true'])
  })

  it('lets nobody in whose time is over', async () => {
    expect(await new Gate(1).enter(AbortSignal.abort())).toBe(false)
  })
})
