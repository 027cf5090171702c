import { describe, expect, it } from 'vitest'
import { ErrorReports } from '../../src/core/proxy/error-reports.js'
import { proxyEventText } from '../../src/core/proxy/event-text.js'
import { Ticker } from '../../src/core/proxy/ticker.js'
import { ManualClock } from '../support/manual-clock.js'

describe('error reports', () => {
  function reports() {
    const clock = new ManualClock()
    const told: string[] = []
    const reports = new ErrorReports(clock, ({ kind, reason }, count) => told.push(`${kind} ${reason} ${count}`))
    return { clock, told, reports }
  }

  it('tell the first of a kind at once and sum up the others each second', async () => {
    const { clock, told, reports: errors } = reports()
    for (const reason of ['a', 'b', 'c']) errors.report({ kind: 'connect_failed', reason })
    errors.report({ kind: 'denied', reason: 'x' })
    expect(told).toEqual(['connect_failed a 1', 'denied x 1'])
    await clock.advance(1000)
    expect(told.slice(2)).toEqual(['connect_failed c 2'])
    await clock.advance(1000)
    errors.report({ kind: 'connect_failed', reason: 'd' })
    expect(told.slice(3)).toEqual(['connect_failed d 1'])
  })

  it('tell what waits when they are closed, and leave no timer', () => {
    const { clock, told, reports: errors } = reports()
    errors.report({ kind: 'denied', reason: 'x' })
    errors.report({ kind: 'denied', reason: 'y' })
    errors.close()
    expect(told).toEqual(['denied x 1', 'denied y 1'])
    expect(clock.pending).toBe(0)
  })
})

describe('the ticker', () => {
  it('expires what is due, never early, and stops when nothing is watched', async () => {
    const clock = new ManualClock()
    const ticker = new Ticker(clock)
    let expired = 0
    const item = { deadline: ticker.in(1000), expire: () => void expired++ }
    ticker.watch(item)
    await clock.advance(1000)
    expect(expired).toBe(0)
    await clock.advance(200)
    expect(expired).toBeGreaterThan(0)
    ticker.unwatch(item)
    await clock.advance(200)
    expect(clock.pending).toBe(0)
  })

  it('does not expire what was moved', async () => {
    const clock = new ManualClock()
    const ticker = new Ticker(clock)
    let expired = 0
    const item = { deadline: ticker.in(500), expire: () => void expired++ }
    ticker.watch(item)
    for (let i = 0; i < 10; i++) {
      await clock.advance(400)
      item.deadline = ticker.in(500)
    }
    expect(expired).toBe(0)
  })
})

describe('the line for an event', () => {
  const state = { listen: 'tcp://127.0.0.1:8080', service: 'web', policy: 'round_robin' }

  it.each([
    [{ ready: 3, endpoints: 3 }, 'listening tcp://127.0.0.1:8080 -> web (3 endpoints, round_robin)'],
    [{ ready: 1, endpoints: 1 }, 'listening tcp://127.0.0.1:8080 -> web (1 endpoint, round_robin)'],
    [{ ready: 2, endpoints: 3 }, 'listening tcp://127.0.0.1:8080 -> web (3 endpoints, 2 ready, round_robin)'],
  ])('shows %j', (counts, text) => {
    expect(proxyEventText({ event: 'listening', ...state, ...counts })).toBe(text)
  })
})
