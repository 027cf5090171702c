import { describe, expect, it } from 'vitest'
import { createRegistrar } from '../../../src/core/registry/registrar.js'
import { reportLoad } from '../../../src/core/wrapper/load/report-load.js'
import { silentLogger } from '../../../src/core/runtime.js'
import { ManualClock } from '../../support/manual-clock.js'
import { MemoryStore } from '../../support/memory-store.js'
import { seededRandom } from '../../support/seeded-random.js'

const KEY = '/ns/web/10.0.0.5:80'

async function setUp() {
  const clock = new ManualClock()
  const store = new MemoryStore(clock)
  const runtime = { clock, random: seededRandom(1), log: silentLogger }
  const registrar = createRegistrar(store, {}, runtime)
  const registration = registrar.start('web', '10.0.0.5:80', { id: 'me' })
  await clock.advance(100)
  const seen = { load: 0.5 as number | undefined | Error, samples: 0, failures: [] as string[] }
  const sample = () => {
    seen.samples++
    return seen.load instanceof Error ? Promise.reject(seen.load) : Promise.resolve(seen.load)
  }
  const end = new AbortController()
  const options = { source: { sample }, intervalMs: 5000, onFailure: (reason: string) => seen.failures.push(reason) }
  const reporting = reportLoad(registration, options, runtime, end.signal)
  const load = () => (JSON.parse(store.text(KEY) ?? '{}') as { Metadata?: { load?: number } }).Metadata?.load
  /** Counts the revisions of the record. */
  const writes = () => store.entries.get(KEY)?.version
  return { clock, store, registration, seen, load, writes, end: () => (end.abort(), reporting) }
}

describe('reporting the load', () => {
  it('writes it at once, and then what it has come to, no more than once in an interval', async () => {
    const { clock, seen, load, writes, end } = await setUp()
    await clock.advance(100)
    expect(load()).toBe(0.5)
    seen.load = 0.9
    await clock.advance(4800)
    expect(load()).toBe(0.5)
    await clock.advance(1300)
    expect(load()).toBe(0.7)
    await clock.advance(60_000)
    expect(load()).toBeCloseTo(0.9, 1)
    const before = writes()
    await clock.advance(600_000)
    expect(writes()).toBe(before)
    expect(seen.samples).toBeGreaterThan(100)
    expect(seen.samples).toBeLessThan(134)
    await end()
  })

  it('takes the figure out when it cannot be read, and says so once', async () => {
    const { clock, seen, load, end } = await setUp()
    await clock.advance(100)
    seen.load = new Error('out of order')
    await clock.advance(30_000)
    expect(load()).toBeUndefined()
    expect(seen.failures).toEqual(['out of order'])
    seen.load = 0.1
    await clock.advance(6000)
    expect(load()).toBe(0.1)
    seen.load = new Error('out of order again')
    await clock.advance(6000)
    expect(seen.failures).toHaveLength(2)
    await end()
  })

  it('writes nothing while the record is taken out, and keeps the figure when it comes back by itself', async () => {
    const { clock, store, registration, seen, load, end } = await setUp()
    await clock.advance(100)
    registration.setVisible(false)
    await clock.advance(100)
    seen.load = 0.9
    await clock.advance(20_000)
    expect(store.text(KEY)).toBeUndefined()
    registration.setVisible(true)
    await clock.advance(100)
    expect(load()).toBe(0.5)
    await clock.advance(6000)
    expect(load()).toBeGreaterThan(0.8)
    await store.delete(KEY)
    await clock.advance(100)
    expect(load()).toBeGreaterThan(0.8)
    await end()
  })

  it('survives what others set, and changes nothing of it', async () => {
    const { clock, store, seen, load, end } = await setUp()
    await clock.advance(100)
    await store.put(KEY, store.text(KEY)!.replace('"weight":1', '"weight":9'), store.entries.get(KEY)!.lease)
    seen.load = 0.1
    await clock.advance(6000)
    expect(load()).toBe(0.3)
    expect(store.text(KEY)).toContain('"weight":9')
    await end()
  })

  it('ends with the registration', async () => {
    const { clock, registration, seen, end } = await setUp()
    await clock.advance(100)
    await registration.close()
    await clock.advance(20_000)
    const { samples } = seen
    await clock.advance(20_000)
    expect(seen.samples).toBe(samples)
    await end()
  })
})
