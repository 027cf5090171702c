import { describe, expect, it } from 'vitest'
import { OrderedMap } from '../../../src/core/registry/embedded/ordered-map.js'
import { seededRandom } from '../../support/seeded-random.js'

describe('OrderedMap', () => {
  it('behaves as a sorted list would, through thousands of inserts, updates and deletes', () => {
    const random = seededRandom(7)
    const map = new OrderedMap<number>()
    const model = new Map<string, number>()
    const key = () => String.fromCharCode(...Array.from({ length: 2 }, () => Math.floor(random.next() * 256)))
    for (let step = 0; step < 20_000; step++) {
      const name = key()
      if (random.next() < 0.3) expect(map.delete(name)).toBe(model.delete(name))
      else {
        map.set(name, step)
        model.set(name, step)
      }
    }
    const sorted = [...model.keys()].sort((a, b) => (a < b ? -1 : 1))
    expect(map.size).toBe(model.size)
    expect([...map.range('')]).toEqual(sorted.map((name) => model.get(name)))
    for (let trial = 0; trial < 200; trial++) {
      const [start, end] = [key(), key()]
      const expected = sorted.filter((name) => name >= start && name < end)
      expect([...map.range(start, end)]).toEqual(expected.map((name) => model.get(name)))
      expect(map.get(start)).toBe(model.get(start))
    }
    for (const name of sorted) map.delete(name)
    expect(map.size).toBe(0)
    expect([...map.range('')]).toEqual([])
  })
})
