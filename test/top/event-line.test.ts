import { describe, expect, it } from 'vitest'
import { readEvent } from '../../src/top/event-line.js'
import { NOW } from './support/states.js'

const HEAD = {
  schemaVersion: 1,
  seq: 7,
  time: new Date(NOW).toISOString(),
  listen: 'http://127.0.0.1:80',
  service: 'web',
}
const PLACE = { address: '10.0.0.1:80', weight: 3, zone: 'a', state: 'ready' }

describe('readEvent', () => {
  it.each<[object, string, string, string, string]>([
    [{ event: 'joined', ...PLACE }, 'joined', 'good', '10.0.0.1:80', 'web, weight 3, zone a'],
    [{ event: 'left', ...PLACE }, 'left', 'resting', '10.0.0.1:80', 'from web'],
    [
      { event: 'changed', ...PLACE, before: { weight: 1, state: 'drain' } },
      'changed',
      'neutral',
      '10.0.0.1:80',
      'web: weight 1 -> 3, drain -> ready',
    ],
    [
      { event: 'health', address: '10.0.0.1:80', health: 'ejected', reason: '5 in a row' },
      'ejected',
      'bad',
      '10.0.0.1:80',
      '5 in a row',
    ],
    [
      { event: 'health', address: '10.0.0.1:80', health: 'healthy', reason: '' },
      'healthy',
      'good',
      '10.0.0.1:80',
      'takes traffic for web again',
    ],
    [{ event: 'stale', reason: 'no answer' }, 'stale', 'bad', 'web', 'goes on with what was known: no answer'],
    [{ event: 'live' }, 'live', 'good', 'web', 'the registry is there again'],
    [{ event: 'panic', panic: true }, 'panic', 'bad', 'web', 'too few are healthy, all are used'],
    [
      { event: 'connection_error', kind: 'connect_failed', address: '10.0.0.1:80', reason: 'refused', count: 3 },
      'error',
      'bad',
      '10.0.0.1:80',
      'connect failed: refused (3 times)',
    ],
    [
      { event: 'worker_exited', worker: 2, reason: 'SIGKILL', restartMs: 1 },
      'worker',
      'bad',
      'worker 2',
      'ended: SIGKILL',
    ],
    [{ event: 'draining', connections: 1 }, 'draining', 'resting', 'proxy', '1 connection open'],
    [{ event: 'of_the_future', reason: 'who knows' }, 'of_the_future', 'neutral', 'web', 'who knows'],
  ])('tells of %j', (event, word, tone, subject, text) => {
    expect(readEvent({ ...HEAD, ...event })).toMatchObject({ at: NOW, word, tone, subject, text })
  })

  it('leaves out what the table shows', () => {
    expect(readEvent({ ...HEAD, event: 'endpoints', ready: 1, endpoints: 2 })).toBeUndefined()
  })

  it('makes text safe for a terminal', () => {
    const event = readEvent({ ...HEAD, event: 'stale', reason: '\x1b]0;x\x07', service: '\u202eweb' })
    expect(event).toMatchObject({ subject: '\\u202eweb', text: 'goes on with what was known: \\x1b]0;x\\x07' })
  })

  it('is one line where several listeners tell of it within a moment', () => {
    const one = readEvent({ ...HEAD, event: 'joined', ...PLACE })
    const other = readEvent({ ...HEAD, seq: 8, listen: 'tcp://127.0.0.1:81', event: 'joined', ...PLACE })
    const later = readEvent({ ...HEAD, time: new Date(NOW + 60_000).toISOString(), event: 'joined', ...PLACE })
    expect(other!.key).toBe(one!.key)
    expect(later!.key).not.toBe(one!.key)
  })

  it.each([[null], [{}], [{ ...HEAD, event: 5 }], [{ ...HEAD, event: 'changed', ...PLACE }]])('refuses %j', (json) => {
    expect(() => readEvent(json)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
