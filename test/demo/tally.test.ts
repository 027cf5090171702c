import { describe, expect, it } from 'vitest'
import type { LoadReport } from '../../src/demo/load-report.js'
import { Tally } from '../../src/demo/tally.js'

const [ONE, TWO, THREE] = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'] as const

function tallyOfThree(): Tally {
  const tally = new Tally()
  for (const [i, address] of [ONE, TWO, THREE].entries()) {
    tally.add(address, i + 1)
    tally.enter(address)
  }
  return tally
}

function report(...answers: [address: string, count: number][]): LoadReport {
  return { answers, failed: 0, ms: 250 }
}

describe('Tally', () => {
  it('puts the share of each endpoint beside the one its weight stands for', () => {
    const tally = tallyOfThree()
    tally.record(report([ONE, 40], [TWO, 20], [THREE, 60]))
    expect(tally.rows().map(({ total }) => [total.requests, total.share, total.expected])).toEqual([
      [40, 1 / 3, 1 / 6],
      [20, 1 / 6, 2 / 6],
      [60, 3 / 6, 3 / 6],
    ])
    expect(tally.rate).toBe(480)
  })

  it('expects nothing of an endpoint while it is away, and the rest by the others', () => {
    const tally = tallyOfThree()
    tally.record(report([THREE, 60]))
    tally.leave(TWO)
    tally.record(report([THREE, 60]))
    expect(tally.rows().map(({ total, registered }) => [total.expected, registered])).toEqual([
      [(10 + 15) / 120, true],
      [20 / 120, false],
      [(30 + 45) / 120, true],
    ])
  })

  it('forgets the recent past and keeps the total', () => {
    const tally = tallyOfThree()
    for (let i = 0; i < 8; i++) tally.record(report([ONE, 10]))
    for (let i = 0; i < 8; i++) tally.record(report([TWO, 30]))
    const [one, two] = tally.rows()
    expect(one!.recent).toMatchObject({ requests: 0, share: 0 })
    expect(two!.recent).toMatchObject({ requests: 240, share: 1 })
    expect([one!.total.requests, two!.total.requests]).toEqual([80, 240])
  })

  it('counts failures, and answers from an address nobody started', () => {
    const tally = tallyOfThree()
    tally.record({ ...report([ONE, 1], ['127.0.0.1:9', 2]), failed: 3, error: 'reset' })
    expect([tally.requests, tally.failed]).toEqual([6, 5])
  })
})
