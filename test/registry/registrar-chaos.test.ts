import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairleadError } from '../../src/core/errors.js'
import { createRegistrar } from '../../src/core/registry/registrar.js'
import { silentLogger } from '../../src/core/runtime.js'
import { ManualClock } from '../support/manual-clock.js'
import { MemoryStore } from '../support/memory-store.js'
import { seededRandom } from '../support/seeded-random.js'

const FAULTS = [
  'down',
  'break',
  'wipe',
  'revoke',
  'delete',
  'mute',
  'refuse',
  'sleep',
  'detach',
  'hide',
  'update',
] as const

describe('registrations in any sequence of faults', () => {
  it('are all there again, under their ids and on live leases, once the faults are over', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom(...FAULTS), fc.nat(15_000)), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(1000), async (faults, seed) => {
        const clock = new ManualClock()
        const store = new MemoryStore(clock)
        const registrar = createRegistrar(store, {}, { clock, random: seededRandom(seed), log: silentLogger })
        const addresses = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']
        const registrations = addresses.map((address, i) => registrar.start('web', address, { id: `id${i}` }))
        const [first] = registrations
        const key = `/ns/web/${addresses[0]}`
        let weight = 1
        await clock.advance(1000)
        for (const [fault, pause] of faults) {
          if (fault === 'down') store.down()
          else if (fault === 'break') store.breakStreams()
          else if (fault === 'wipe') store.wipe()
          else if (fault === 'mute') store.mute = true
          else if (fault === 'refuse') store.refusing = new FairleadError('REFUSED', 'no space')
          else if (fault === 'sleep') clock.jump(pause)
          else if (fault === 'hide') first!.setVisible(false)
          else if (fault === 'update') first!.update({ weight: ++weight }).catch(() => undefined)
          else if (!store.failing && !store.refusing) {
            const lease = first!.lease
            const text = store.text(key)
            if (fault === 'revoke' && lease !== undefined) await store.revokeLease(lease)
            if (fault === 'delete') await store.delete(key)
            if (fault === 'detach' && text !== undefined) await store.put(key, text)
          }
          await clock.advance(pause)
          store.mute = false
          store.refusing = undefined
          if (store.failing) store.up()
          first!.setVisible(true)
        }
        await clock.advance(120_000)
        store.expire()
        for (const [i, registration] of registrations.entries()) {
          const entry = store.entries.get(`/ns/web/${addresses[i]}`)
          expect(registration.state).toBe('registered')
          expect(JSON.parse(entry!.value.toString())).toMatchObject({ Metadata: { id: `id${i}` } })
          expect(entry!.lease).toBe(registration.lease)
          expect(store.leases.has(entry!.lease)).toBe(true)
        }
        expect(JSON.parse(store.text(key)!)).toMatchObject({ Metadata: { weight } })
        const closing = registrar.close()
        await clock.advance(10_000)
        await closing
        expect([...store.entries.keys()].filter((name) => name.startsWith('/ns/web/'))).toEqual([])
        expect(clock.pending).toBe(0)
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
