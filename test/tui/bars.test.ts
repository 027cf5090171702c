import { describe, expect, it } from 'vitest'
import { barScale, shareBar, sparkline } from '../../src/tui/bars.js'

describe('shareBar', () => {
  it('marks the expected share inside or beyond the real one', () => {
    expect(shareBar(0.5, 0.8, 10)).toEqual({ real: '━━━━━', rest: '   ╎ ' })
    expect(shareBar(0.8, 0.5, 10)).toEqual({ real: '━━━━━╎━━', rest: '  ' })
    expect(shareBar(1, 1, 4)).toEqual({ real: '━━━╎', rest: '' })
    expect(shareBar(0, 0, 4)).toEqual({ real: '', rest: '╎   ' })
  })

  it('ends in the middle of a column where that is nearer', () => {
    expect(shareBar(0.25, 1, 10)).toEqual({ real: '━━╸', rest: '      ╎' })
    expect(shareBar(0.27, 1, 10).real).toBe('━━╸')
    expect(shareBar(0.29, 1, 10).real).toBe('━━━')
  })

  it('is as wide as asked for whatever the shares', () => {
    for (const share of [-1, 0, 0.333, 0.99, 2]) {
      for (const expected of [-1, 0, 0.5, 1, 3]) {
        const { real, rest } = shareBar(share, expected, 7, 0.25)
        expect(real + rest).toHaveLength(7)
      }
    }
  })
})

describe('barScale', () => {
  it('is the whole for few endpoints, and a round part of it where all shares are small', () => {
    expect(barScale([0.1, 0.5])).toBe(1)
    expect(barScale([])).toBe(1)
    expect(barScale([0.2])).toBe(0.25)
    expect(barScale([0.1])).toBe(0.1)
    expect(barScale([0.011, 0.001])).toBe(0.025)
    expect(barScale([0.0001])).toBe(0.001)
  })
})

describe('sparkline', () => {
  it('is scaled to its highest value and padded on the left', () => {
    expect(sparkline([0, 50, 100], 5)).toBe('  ▁▅█')
    expect(sparkline([0, 0], 2)).toBe('▁▁')
    expect(sparkline([], 3)).toBe('   ')
    expect(sparkline([1, 2, 3, 4], 2)).toBe('▆█')
  })

  it('leaves out what is not known', () => {
    expect(sparkline([4, null, 4], 3)).toBe('█ █')
    expect(sparkline([null], 1)).toBe(' ')
  })

  it('is not scaled to what has gone out of sight', () => {
    expect(sparkline([1000, 1, 2], 2)).toBe('▅█')
  })
})
