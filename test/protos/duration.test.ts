import { describe, expect, it } from 'vitest'
import { durationOf, millisecondsOf } from '../../src/core/protos/duration.js'

describe('a duration of protobuf', () => {
  it.each([
    [0, { seconds: 0, nanos: 0 }],
    [999.7, { seconds: 0, nanos: 999_700_000 }],
    [1500, { seconds: 1, nanos: 500_000_000 }],
    [0.000001, { seconds: 0, nanos: 1 }],
    [2_000_000_000_123, { seconds: 2_000_000_000, nanos: 123_000_000 }],
    // Nanoseconds that round up to a whole second make one.
    [1999.9999999, { seconds: 2, nanos: 0 }],
  ])('writes %d ms', (ms, expected) => {
    expect(durationOf(ms)).toEqual(expected)
    expect(millisecondsOf(expected)).toBeCloseTo(ms, 6)
  })

  it('reads seconds as text, and nothing that is no length of time', () => {
    expect(millisecondsOf({ seconds: '2', nanos: 500_000 })).toBe(2000.5)
    for (const none of [null, undefined, { seconds: '-1', nanos: 0 }, { seconds: 'x', nanos: 0 }]) {
      expect(millisecondsOf(none)).toBe(0)
    }
  })
})
