import { describe, expect, it } from 'vitest'
import { readState } from '../../src/top/report.js'
import { statusOf } from '../../src/top/status.js'
import { adminState, busyListener, endpointView, listenerView, NOW } from './support/states.js'

function roundTrip(state: unknown) {
  return readState(JSON.parse(JSON.stringify(state)))
}

describe('readState', () => {
  it('takes the state of a proxy over', () => {
    const state = roundTrip(adminState([busyListener()]))
    expect(state).toMatchObject({ time: NOW, actions: 'open', draining: false })
    const [listener] = state.listeners
    expect(listener).toMatchObject({ service: 'greeter', isStatic: false, eligible: 3, total: 4, ratePerSecond: 8214 })
    expect(listener!.endpoints[3]).toMatchObject({
      address: '10.0.0.8:8080',
      verdict: 'ejected',
      healthSince: NOW - 21_000,
      successRate: null,
    })
  })

  it('has no view of a control plane, and says where else to look', () => {
    const state = { ...adminState([]), process: { ...adminState([]).process, kind: 'serve' } }
    expect(() => roundTrip(state)).toThrowError(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('a control plane answers (fairlead serve)') as string,
        hint: expect.stringContaining('GET /state') as string,
      }),
    )
  })

  it('makes text safe for a terminal, in names of metadata too', () => {
    const evil = '\x1b[2Jx\u202e'
    const endpoint = endpointView('10.0.0.1:1', {
      zone: evil,
      healthReason: evil,
      reason: evil,
      meta: { [evil]: evil },
    })
    const [listener] = roundTrip(adminState([listenerView({ service: evil, endpoints: [endpoint] })])).listeners
    const safe = '\\x1b[2Jx\\u202e'
    expect(listener!.service).toBe(safe)
    expect(listener!.endpoints[0]).toMatchObject({ zone: safe, healthReason: safe, reason: safe, meta: [[safe, safe]] })
  })

  it('holds metadata called __proto__ like any other', () => {
    const text = JSON.stringify(adminState([listenerView({ endpoints: [endpointView('10.0.0.1:1')] })]))
    const state = readState(JSON.parse(text.replace('"meta":{}', '"meta":{"__proto__":"x"}')))
    expect(state.listeners[0]!.endpoints[0]!.meta).toEqual([['__proto__', 'x']])
    expect({}).not.toHaveProperty('x')
  })

  it.each([
    ['nothing', null],
    ['a list', []],
    ['an object of another kind', { listeners: [] }],
    ['a listener that is none', { ...adminState([]), listeners: [1] }],
    ['a rate that is no number', adminState([listenerView({ ratePerSecond: 'fast' as never })])],
    [
      'a rate that is infinite',
      JSON.parse(JSON.stringify(adminState([listenerView()])).replace('"ratePerSecond":0', '"ratePerSecond":1e999')),
    ],
  ])('refuses %s', (_what, json) => {
    expect(() => readState(json)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('refuses another version, and says so', () => {
    expect(() => readState({ ...adminState([]), schemaVersion: 2 })).toThrow(/version 2, not 1/)
  })
})

describe('statusOf', () => {
  it.each([
    [{}, 'good', 'ready', undefined, ''],
    [{ slowStart: 0.4 }, 'warming', 'warming 40%', undefined, 'slow start'],
    [{ verdict: 'ejected', health: 'ejected', healthReason: '5 in a row' }, 'bad', 'ejected', 180_000, '5 in a row'],
    [
      { verdict: 'unhealthy', reason: 'fails its health checks' },
      'bad',
      'unhealthy',
      180_000,
      'fails its health checks',
    ],
    [{ verdict: 'drain', state: 'drain', reason: 'draining' }, 'resting', 'drain', 180_000, 'draining'],
    [{ verdict: 'weight_zero', reason: 'weight 0' }, 'resting', 'weight 0', undefined, 'weight 0'],
    [{ verdict: 'gone', state: 'gone' }, 'gone', 'left', 180_000, 'finishes what it has'],
    [{ verdict: 'of_the_future', reason: 'who knows' }, 'resting', 'of_the_future', undefined, 'who knows'],
  ] as const)('of %j', (changes, tone, status, statusMs, why) => {
    const view = endpointView('10.0.0.1:1', changes as never)
    const [listener] = roundTrip(adminState([listenerView({ endpoints: [view] })])).listeners
    expect(statusOf(listener!.endpoints[0]!, NOW)).toEqual({ tone, status, statusMs, why })
  })
})
