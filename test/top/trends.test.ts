import { describe, expect, it } from 'vitest'
import { TrendBook } from '../../src/top/trends.js'

describe('TrendBook', () => {
  it('takes a step a second: how fast the counter grew, and the latency then', () => {
    const book = new TrendBook()
    expect(book.count('a', 0, 100, 1).rate).toEqual([])
    expect(book.count('a', 500, 150, 1).rate).toEqual([])
    expect(book.count('a', 1000, 200, 3)).toMatchObject({ rate: [100], latency: [3] })
    expect(book.count('a', 3000, 220, null)).toMatchObject({ rate: [100, 10], latency: [3, null] })
  })

  it('counts anew from a counter that went back, and keeps the past', () => {
    const book = new TrendBook()
    book.count('a', 0, 100, null)
    book.count('a', 1000, 200, null)
    expect(book.count('a', 2000, 5, null).rate).toEqual([100])
    expect(book.count('a', 3000, 25, null).rate).toEqual([100, 20])
  })

  it('keeps a minute, and forgets who is not named', () => {
    const book = new TrendBook()
    for (let i = 0; i <= 100; i++) book.count('a', i * 1000, i * i, null)
    const { rate } = book.count('a', 100_000, 10_000, null)
    expect(rate).toHaveLength(60)
    expect(rate.at(-1)).toBe(199)
    book.keep(new Set())
    expect(book.count('a', 101_000, 10_100, null).rate).toEqual([])
  })

  it('never changes what it handed out', () => {
    const book = new TrendBook()
    book.count('a', 0, 0, null)
    const before = book.count('a', 1000, 10, 1)
    const copy = structuredClone(before)
    book.count('a', 2000, 30, 2)
    expect(before).toEqual(copy)
  })

  it('takes rates as they are as well', () => {
    const book = new TrendBook()
    expect(book.sample('all', 0, 5)).toEqual([])
    expect(book.sample('all', 1000, 7)).toEqual([7])
    expect(book.sample('all', 1400, 9)).toEqual([7])
  })
})
