import { describe, expect, it } from 'vitest'
import { age, bytes, count, millis, percentage, plural, short } from '../../src/top/format.js'

describe('short', () => {
  it.each([
    [0, '0'],
    [0.04, '0'],
    [0.42, '0.4'],
    [3, '3'],
    [9.94, '9.9'],
    [9.96, '10'],
    [812.4, '812'],
    [9999, '9999'],
    [12_345, '12.3k'],
    [123_456, '123k'],
    [999_499, '999k'],
    [999_500, '1.0M'],
    [1_234_567, '1.2M'],
    [5e15, '5000T'],
  ])('%d is %s', (value, text) => {
    expect(short(value)).toBe(text)
    expect(text.length).toBeLessThanOrEqual(5)
  })
})

describe('percentage', () => {
  it('keeps the whole for the whole', () => {
    expect([1, 0.9999, 0.99949, 0.5005, 0].map((part) => percentage(part))).toEqual([
      '100',
      '99.9',
      '99.9',
      '50.1',
      '0.0',
    ])
    expect(percentage(0.99999, 2)).toBe('99.99')
    expect(percentage(1, 2)).toBe('100')
  })
})

describe('millis', () => {
  it.each([
    [0, '0.00'],
    [0.423, '0.42'],
    [0.996, '1.0'],
    [9.94, '9.9'],
    [9.96, '10'],
    [999.4, '999'],
    [999.6, '1.0s'],
    [12_345, '12s'],
    [9_999_999, '999s'],
  ])('%d is %s', (ms, text) => {
    expect(millis(ms)).toBe(text)
    expect(text.length).toBeLessThanOrEqual(4)
  })
})

describe('other figures', () => {
  it('say how long something has lasted', () => {
    expect([-5, 0, 59_999, 60_000, 3_599_999, 86_399_999, 900_000_000].map(age)).toEqual([
      ...['0s', '0s', '59s', '1m', '59m', '23h', '10d'],
    ])
  })

  it('count bytes and things', () => {
    expect([0, 999, 1500, 33_800, 1_234_567_890].map(bytes)).toEqual(['0 B', '999 B', '1500 B', '33.8 kB', '1.2 GB'])
    expect([plural(1, 'proxy', 'proxies'), plural(2, 'proxy', 'proxies'), plural(0, 'event')]).toEqual([
      ...['1 proxy', '2 proxies', '0 events'],
    ])
    expect(count(1234567.4)).toBe('1,234,567')
  })
})
