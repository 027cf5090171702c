import { describe, expect, it } from 'vitest'
import { CallStats } from '../../../src/core/grpc/grpclb/call-stats.js'
import { reportLoad } from '../../../src/core/grpc/grpclb/load-reports.js'
import { Reconnect } from '../../../src/core/grpc/grpclb/reconnect.js'
import type { ClientStats } from '../../../src/core/protos/grpclb.js'
import { ManualClock } from '../../support/manual-clock.js'

describe('the counters of calls', () => {
  it('count what ended how, and begin anew with each report', () => {
    const stats = new CallStats()
    expect(stats.isZero).toBe(true)
    for (let i = 0; i < 3; i++) stats.started()
    stats.finished(true)
    stats.finished(false)
    stats.failedToSend()
    stats.dropped('a')
    stats.dropped('b')
    stats.dropped('a')
    expect(stats.isZero).toBe(false)
    expect(stats.take(1500)).toEqual({
      timestamp: { seconds: 1, nanos: 500_000_000 },
      num_calls_started: 7,
      num_calls_finished: 6,
      num_calls_finished_with_client_failed_to_send: 1,
      num_calls_finished_known_received: 1,
      calls_finished_with_drop: [
        { load_balance_token: 'a', num_calls: 2 },
        { load_balance_token: 'b', num_calls: 1 },
      ],
    })
    expect(stats.isZero).toBe(true)
    expect(stats.take(0)).toMatchObject({ num_calls_started: 0, num_calls_finished: 0, calls_finished_with_drop: [] })
  })
})

describe('load reports', () => {
  const begin = (intervalMs: number) => {
    const clock = new ManualClock()
    const stats = new CallStats()
    const sent: ClientStats[] = []
    const stop = reportLoad(stats, intervalMs, clock, (report) => sent.push(report))
    return { clock, stats, sent, stop }
  }

  it('go out each interval', async () => {
    const { clock, stats, sent } = begin(3000)
    stats.started()
    await clock.advance(2999)
    expect(sent).toHaveLength(0)
    await clock.advance(1)
    stats.finished(true)
    await clock.advance(3000)
    expect(sent.map((report) => [report.num_calls_started, report.num_calls_finished])).toEqual([
      [1, 0],
      [0, 1],
    ])
  })

  it('say once that nothing happens', async () => {
    const { clock, stats, sent } = begin(1000)
    stats.started()
    await clock.advance(10_000)
    expect(sent.map((report) => report.num_calls_started)).toEqual([1, 0])
    stats.started()
    await clock.advance(5000)
    expect(sent.map((report) => report.num_calls_started)).toEqual([1, 0, 1, 0])
  })

  it('never go out more than once a second', async () => {
    const { clock, stats, sent } = begin(1)
    for (let i = 0; i < 5; i++) {
      stats.started()
      await clock.advance(200)
    }
    expect(sent).toHaveLength(1)
  })

  it('end while one is being sent', async () => {
    const clock = new ManualClock()
    const stop = reportLoad(new CallStats(), 1000, clock, () => stop())
    await clock.advance(1000)
    expect(clock.pending).toBe(0)
  })

  it('end', async () => {
    const { clock, sent, stop } = begin(1000)
    stop()
    await clock.advance(5000)
    expect(sent).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('coming back to a balancer', () => {
  const reconnect = () => new Reconnect({ next: () => 0.999 })

  it('is at once where it had answered', () => {
    const pace = reconnect()
    for (let i = 0; i < 5; i++) expect(pace.delayAfter(true, 60_000)).toBe(0)
  })

  it('is ever slower where it does not answer', () => {
    const pace = reconnect()
    const delays = Array.from({ length: 15 }, () => pace.delayAfter(false, 10))
    expect(delays[0]).toBeCloseTo(999, -1)
    expect(delays[1]).toBeCloseTo(1598, -1)
    expect(delays.at(-1)).toBeCloseTo(119_880, -1)
  })

  it('is no loop where it ends every stream that it has answered', () => {
    const pace = reconnect()
    const delays = Array.from({ length: 5 }, () => pace.delayAfter(true, 10))
    expect(delays[0]).toBe(0)
    for (const delay of delays.slice(1)) expect(delay).toBeGreaterThan(900)
    expect(pace.delayAfter(true, 60_000)).toBe(0)
  })
})
