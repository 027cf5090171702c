import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../src/core/library/duration.js'

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1m30s', 90_000],
    ['1.5s', 1500],
    ['0', 0],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '10', '-1s', 's', '1 s', '10 seconds', '1e3ms', '1s2', 'NaNs', '9'.repeat(30) + 'h'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    },
  )

  it('names where a wrong one comes from', () => {
    expect(() => parseDuration('soon', '--timeout')).toThrow('bad --timeout "soon"')
  })
})
