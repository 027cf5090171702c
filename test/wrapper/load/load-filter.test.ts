import { describe, expect, it } from 'vitest'
import { LoadFilter } from '../../../src/core/wrapper/load/load-filter.js'

describe('the figure of a record', () => {
  it('is the first sample, in hundredths, and then goes half the way to each', () => {
    const filter = new LoadFilter()
    expect(filter.change(undefined)).toBeUndefined()
    filter.take(0.12345)
    expect(filter.change(undefined)).toBe(0.12)
    filter.take(0.52345)
    expect(filter.change(0.12)).toBe(0.32)
    filter.take(0)
    expect(filter.change(0.32)).toBe(0.16)
  })

  it('stays until it would be 0.05 off', () => {
    const filter = new LoadFilter()
    filter.take(0.35)
    expect(filter.change(0.31)).toBeUndefined()
    expect(filter.change(0.3)).toBe(0.35)
    expect(filter.change(0.39)).toBeUndefined()
    expect(filter.change(0.4)).toBe(0.35)
  })

  it('goes when there is no sample to be had, and begins anew', () => {
    const filter = new LoadFilter()
    filter.take(0.9)
    filter.take(undefined)
    expect(filter.change(0.9)).toBeNull()
    expect(filter.change(undefined)).toBeUndefined()
    filter.take(0.1)
    expect(filter.change(undefined)).toBe(0.1)
  })
})
