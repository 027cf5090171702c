import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  initialLease,
  type LeaseAction,
  type LeaseEvent,
  type LeaseState,
  stepLease,
} from '../../src/core/registry/lease-state.js'

const ID = 7n

/** Runs events, each at its time, and returns the last step's actions by type and the state. */
function play(...events: readonly (readonly [number, LeaseEvent])[]) {
  let state: LeaseState = initialLease
  let actions: readonly LeaseAction[] = []
  for (const [now, event] of events) ({ state, actions } = stepLease(state, event, now, 0))
  return { state, actions, types: actions.map((action) => action.type) }
}

const start: readonly [number, LeaseEvent] = [0, { type: 'start' }]
const granted = (now = 0, sentAt = now): readonly [number, LeaseEvent] => [
  now,
  { type: 'granted', id: ID, ttlSeconds: 9, sentAt },
]
const opened = (now: number): readonly [number, LeaseEvent] => [now, { type: 'stream-opened' }]
const timer = (now: number): readonly [number, LeaseEvent] => [now, { type: 'timer' }]
const answer = (now: number, ttlSeconds = 9): readonly [number, LeaseEvent] => [
  now,
  { type: 'answered', id: ID, ttlSeconds },
]

describe('the life of a lease', () => {
  it('begins with a grant, and again after a failure', () => {
    expect(play(start).types).toEqual(['grant'])
    const failed = play(start, [10, { type: 'grant-failed', refused: true }])
    expect(failed.actions).toEqual([{ type: 'retry', refused: true }])
    expect(play(start, [10, { type: 'grant-failed', refused: false }], timer(500)).types).toEqual(['grant'])
  })

  it('counts the TTL that was granted from when the grant was sent', () => {
    expect(play(start, granted(500, 100)).state).toMatchObject({ kind: 'held', ttlMs: 9000, validUntil: 9100 })
  })

  it('renews on a new stream at once, and then at a third of the TTL', () => {
    expect(play(start, granted(), opened(10)).types).toEqual(['send', 'timer'])
    const answered = play(start, granted(), opened(10), answer(20))
    expect(answered.actions).toEqual([{ type: 'timer', afterMs: 2990 }])
    expect(play(start, granted(), opened(10), answer(20), timer(3010)).types).toEqual(['send', 'timer'])
  })

  it('is certain for one TTL after the last keepalive that was answered was sent, not received', () => {
    const renewed = play(start, granted(), opened(1000), answer(2500))
    expect(renewed.state).toMatchObject({ certain: true, validUntil: 10_000 })
  })

  it('replaces a stream that leaves a keepalive unanswered', () => {
    expect(play(start, granted(), opened(10), timer(3010)).types).toEqual(['reopen', 'timer'])
  })

  it('becomes uncertain without answers, and is the same lease when it is answered again', () => {
    const uncertain = play(start, granted(), timer(9000))
    expect(uncertain.types).toEqual(['uncertain'])
    const again = play(start, granted(), timer(9000), opened(60_000), answer(60_010))
    expect(again.types).toEqual(['held', 'timer'])
    expect(again.state).toMatchObject({ kind: 'held', id: ID, certain: true })
  })

  it('is replaced when the registry denies knowing it', () => {
    expect(play(start, granted(), opened(10), answer(20, 0)).types).toEqual(['gone', 'retry'])
    expect(play(start, granted(), opened(10), answer(20, 0), timer(100)).types).toEqual(['grant'])
  })

  it('takes a new stream when the process was stopped for more than half a TTL', () => {
    expect(play(start, granted(), opened(10), answer(20), timer(9900)).types).toEqual(['uncertain', 'reopen'])
  })

  it('ignores answers about other leases and answers nobody asked for', () => {
    const other: readonly [number, LeaseEvent] = [20, { type: 'answered', id: 8n, ttlSeconds: 0 }]
    expect(play(start, granted(), opened(10), other).types).toEqual([])
    expect(play(start, granted(), answer(5000)).state).toMatchObject({ validUntil: 9000 })
  })

  it('is revoked when it is stopped, even if the grant comes later', () => {
    expect(play(start, granted(), [5, { type: 'stop' }]).actions).toEqual([{ type: 'revoke', id: ID }])
    expect(play(start, [5, { type: 'stop' }], granted(9)).actions).toEqual([{ type: 'revoke', id: ID }])
    expect(play(start, granted(), [5, { type: 'stop' }], opened(6)).types).toEqual([])
  })

  const anyEvent: fc.Arbitrary<LeaseEvent> = fc.oneof(
    fc.constantFrom<LeaseEvent>(
      { type: 'start' },
      { type: 'timer' },
      { type: 'stream-opened' },
      { type: 'stream-ended' },
    ),
    fc.record({
      type: fc.constant('answered' as const),
      id: fc.constantFrom(1n, 2n),
      ttlSeconds: fc.integer({ min: -1, max: 9 }),
    }),
    fc.record({
      type: fc.constant('granted' as const),
      id: fc.constantFrom(1n, 2n),
      ttlSeconds: fc.integer({ min: 2, max: 9 }),
      sentAt: fc.constant(0),
    }),
    fc.record({ type: fc.constant('grant-failed' as const), refused: fc.boolean() }),
    fc.constant<LeaseEvent>({ type: 'stop' }),
  )

  it('keeps its promises under any order of events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5000), anyEvent, fc.double({ min: 0, max: 0.999, noNaN: true }))),
        (steps) => {
          let state: LeaseState = initialLease
          let now = 0
          let grantsUnderWay = 0
          for (const [pause, event, chance] of steps) {
            now += pause
            const before = state
            const dated = event.type === 'granted' ? { ...event, sentAt: now - Math.min(pause, 100) } : event
            // The driver reports an end only for a grant it was told to make.
            const isReport = event.type === 'granted' || event.type === 'grant-failed'
            if (isReport && grantsUnderWay === 0) continue
            if (isReport) grantsUnderWay--
            const step = stepLease(state, dated, now, chance)
            state = step.state
            const types = step.actions.map((action) => action.type)
            grantsUnderWay += types.filter((type) => type === 'grant').length

            // One grant at a time, none while a lease is held.
            expect(grantsUnderWay).toBeLessThanOrEqual(1)
            if (types.includes('grant')) expect(state.kind).toBe('granting')
            // A lease is given up only when the registry denies it or the owner stops.
            if (before.kind === 'held' && state.kind !== 'held') expect(['answered', 'stop']).toContain(event.type)
            // Only the lease held is renewed, and only on an open stream.
            for (const action of step.actions) {
              if (action.type === 'send') expect(state).toMatchObject({ kind: 'held', id: action.id, streaming: true })
              if (action.type === 'timer') expect(action.afterMs).toBeGreaterThanOrEqual(0)
            }
            // Certainty ends by a timer that is set, at the latest at the end of the TTL.
            if (state.kind === 'held' && state.certain && types.includes('timer')) {
              expect(state.timerAt).toBeLessThanOrEqual(Math.max(now, state.validUntil) + 1)
            }
            // Nothing is done after the end, except to revoke what comes late.
            if (before.kind === 'ended') expect(types.filter((type) => type !== 'revoke')).toEqual([])
          }
        },
      ),
    )
  })
})
