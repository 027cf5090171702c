import { beforeEach, describe, expect, it } from 'vitest'
import { LeaseTable } from '../../../src/core/registry/embedded/lease-table.js'
import { ManualClock } from '../../support/manual-clock.js'
import { seededRandom } from '../../support/seeded-random.js'

describe('LeaseTable', () => {
  let clock: ManualClock
  let removed: string[][]
  let leases: LeaseTable
  beforeEach(() => {
    clock = new ManualClock()
    removed = []
    leases = new LeaseTable(clock, seededRandom(1), (keys) => removed.push(keys.map((key) => key.toString())))
  })

  it('removes the keys of a lease together within half a second of its end', async () => {
    const { id } = leases.grant('0', 5)
    for (const key of ['c', 'a', 'b']) leases.attach(id, key)
    await clock.advance(4_999)
    expect(removed).toEqual([])
    await clock.advance(501)
    expect(removed).toEqual([['a', 'b', 'c']])
    expect(leases.has(id)).toBe(false)
  })

  it('counts the time of a lease from its last renewal', async () => {
    const { id } = leases.grant('0', 5)
    for (let round = 0; round < 5; round++) {
      await clock.advance(4_000)
      expect(leases.keepAlive(id)).toBe(5)
    }
    await clock.advance(1_500)
    expect(leases.state(id)).toMatchObject({ remainingSeconds: 3, grantedSeconds: 5 })
    await clock.advance(4_000)
    expect(leases.keepAlive(id)).toBe(0)
  })

  it('does not renew a lease whose time is up, even before the sweep has come', async () => {
    await clock.advance(100)
    const { id } = leases.grant('0', 2)
    leases.attach(id, 'a')
    leases.grant('9', 100)
    await clock.advance(1_900)
    expect(removed).toEqual([])
    await clock.advance(100)
    expect(leases.keepAlive(id)).toBe(0)
    expect(leases.state(id)).toBeUndefined()
    expect(removed).toEqual([['a']])
  })

  it('lists leases by what ends first and holds no timer without any', async () => {
    leases.grant('1', 30)
    leases.grant('2', 10)
    leases.grant('3', 20)
    expect(leases.ids()).toEqual(['2', '3', '1'])
    expect(clock.pending).toBe(1)
    for (const id of ['1', '2', '3']) leases.revoke(id)
    await clock.advance(500)
    expect(clock.pending).toBe(0)
  })
})
