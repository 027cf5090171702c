import { describe, expect, it } from 'vitest'
import { Samples } from '../../src/core/admin/proxy/samples.js'

/** What readers at these moments compare with, by when that was read. */
function baselines(...moments: number[]): (number | undefined)[] {
  const samples = new Samples()
  return moments.map((at) => {
    const baseline = samples.baseline(at, '42')?.at
    samples.add({ at, listeners: [], of: '42' })
    return baseline
  })
}

describe('what a reading is compared with', () => {
  it('is nothing for the first reader', () => {
    expect(baselines(1000)).toEqual([undefined])
  })

  it('is what was read about five seconds before, where readers come often', () => {
    const moments = Array.from({ length: 30 }, (_, i) => i * 500)
    expect(baselines(...moments).at(-1)).toBe(14_500 - 5500)
  })

  it('is the oldest reading of a reader who has just come', () => {
    expect(baselines(0, 500, 1000, 1500)).toEqual([undefined, 0, 0, 0])
  })

  it('is the last reading, however old, where readers come seldom', () => {
    expect(baselines(0, 60_000, 120_000)).toEqual([undefined, 0, 60_000])
  })

  it('is not of a time that nobody looked as soon as there is something younger', () => {
    expect(baselines(0, 3_600_000, 3_600_500, 3_601_000)).toEqual([undefined, 0, 3_600_000, 3_600_000])
  })

  it('is never of other processes', () => {
    const samples = new Samples()
    for (const at of [0, 500, 1000]) samples.add({ at, listeners: [], of: '1,2' })
    expect(samples.baseline(1500, '1,3')).toBeUndefined()
    samples.add({ at: 1500, listeners: [], of: '1,3' })
    expect(samples.baseline(2000, '1,3')?.at).toBe(1500)
  })

  it('is the same for two who come at the same time', () => {
    expect(baselines(0, 60_000, 60_001, 60_010)).toEqual([undefined, 0, 0, 0])
    expect(baselines(5, 5)).toEqual([undefined, undefined])
  })
})
