import { describe, expect, it } from 'vitest'
import { FairleadError } from '../../src/core/errors.js'
import { deregister } from '../../src/core/registry/deregister.js'
import { createRegistrar } from '../../src/core/registry/registrar.js'
import type { RegistrationEvent, RegistrationOptions } from '../../src/core/registry/registration.js'
import { RECORDS_PER_LEASE } from '../../src/core/registry/lease-pool.js'
import { silentLogger } from '../../src/core/runtime.js'
import { ManualClock } from '../support/manual-clock.js'
import { MemoryStore } from '../support/memory-store.js'
import { seededRandom } from '../support/seeded-random.js'

const KEY = '/ns/web/10.0.0.5:80'
const GONE = '/ns/.gone/web/10.0.0.5:80'

function setUp(seed = 1) {
  const clock = new ManualClock()
  const store = new MemoryStore(clock)
  const runtime = { clock, random: seededRandom(seed), log: silentLogger }
  const registrar = createRegistrar(store, {}, runtime)
  const events: RegistrationEvent[] = []
  const start = (options: RegistrationOptions = {}) =>
    registrar.start('web', '10.0.0.5:80', { id: 'me', onEvent: (event) => events.push(event), ...options })
  return { clock, store, registrar, events, start, another: () => createRegistrar(store, {}, runtime) }
}

function types(events: readonly RegistrationEvent[]): string[] {
  return events.map((event) => event.type)
}

describe('a registration', () => {
  it('appears under a lease, and stays for as long as it is renewed', async () => {
    const { clock, store, start, events } = setUp()
    const registration = start({ weight: 3, zone: 'a', meta: { version: '1' } })
    await clock.advance(100)
    expect(store.text(KEY)).toBe(
      '{"Op":0,"Addr":"10.0.0.5:80","Metadata":{"id":"me","weight":3,"zone":"a","state":"ready","role":"server","meta":{"version":"1"}}}',
    )
    expect(registration).toMatchObject({ state: 'registered', lease: store.entries.get(KEY)!.lease })
    await clock.advance(120_000)
    expect(store.text(KEY)).toBeDefined()
    expect(types(events)).toEqual(['registered'])
  })

  it('is removed on purpose when it is closed, and its lease with it', async () => {
    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    await registration.close()
    await registration.close()
    expect(store.text(KEY)).toBeUndefined()
    expect(store.text(GONE)).toBe('{"id":"me","reason":"closed"}')
    expect([...store.leases.keys()]).toEqual([store.entries.get(GONE)!.lease])
    expect(await registration.closed).toEqual({ how: 'closed' })
    expect(store.openStreams).toBe(0)
    await clock.advance(61_000)
    store.expire()
    expect(store.entries.size).toBe(0)
  })

  it('goes, closed while the registry was away, as soon as that is back, though others keep its lease', async () => {
    const { clock, store, registrar, start } = setUp()
    const registration = start()
    const other = registrar.start('web', '10.0.0.6:80')
    await clock.advance(100)
    store.down()
    const closing = registration.close()
    await clock.advance(10_000)
    await closing
    store.up()
    await clock.advance(20_000)
    expect(store.text(KEY)).toBeUndefined()
    expect(store.text(GONE)).toBe('{"id":"me","reason":"closed"}')
    expect(other.state).toBe('registered')
  })

  it('stays, registered anew under its id after it was closed while the registry was away', async () => {
    const { clock, store, registrar, start } = setUp()
    registrar.start('web', '10.0.0.6:80')
    const first = start()
    await clock.advance(100)
    store.down()
    const closing = first.close()
    await clock.advance(10_000)
    await closing
    const { createRevision } = store.entries.get(KEY)!
    start()
    store.up()
    await clock.advance(60_000)
    expect(store.entries.get(KEY)).toMatchObject({ createRevision })
  })

  it('does not come back with a snapshot, once closed, though others are on its lease', async () => {
    const { clock, store, registrar, start } = setUp()
    const registration = start()
    const others = Array.from({ length: 20 }, (_, i) => registrar.start('web', `10.0.1.${i}:80`))
    await clock.advance(100)
    for (let i = 0; i < 10; i++) await store.put('/other', String(i))
    const restore = store.snapshot()
    await registration.close()
    await clock.advance(100)
    restore()
    expect(store.text(KEY)).toBeDefined()
    await clock.advance(15_000)
    store.expire()
    await clock.advance(1000)
    expect(store.text(KEY)).toBeUndefined()
    expect(new Set(others.map(({ state }) => state))).toEqual(new Set(['registered']))
    expect(new Set(others.map(({ lease }) => lease))).toEqual(new Set(store.leases.keys()))
  })

  it('lies among the balancers if it is one', async () => {
    const { clock, store, start } = setUp()
    start({ role: 'balancer' })
    await clock.advance(100)
    expect([...store.entries.keys()]).toEqual(['/ns/.balancers/web/10.0.0.5:80'])
  })

  it('comes back with the same id when its key is deleted by hand', async () => {
    const { clock, store, start } = setUp()
    start()
    await clock.advance(100)
    const text = store.text(KEY)
    await store.delete(KEY)
    await clock.advance(100)
    expect(store.text(KEY)).toBe(text)
  })

  it('comes back under a new lease when its lease is revoked', async () => {
    const { clock, store, start, events } = setUp()
    const registration = start()
    await clock.advance(100)
    const lease = registration.lease!
    const text = store.text(KEY)
    await store.revokeLease(lease)
    await clock.advance(2000)
    expect(store.text(KEY)).toBe(text)
    expect(registration.lease).not.toBe(lease)
    expect(types(events).at(-1)).toBe('registered')
  })

  it('ends when somebody deregisters it', async () => {
    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    await store.txn({
      then: [
        { type: 'delete', key: KEY },
        { type: 'put', key: GONE, value: '{"id":"me","reason":"deregistered"}' },
      ],
    })
    await clock.advance(5000)
    expect(await registration.closed).toEqual({ how: 'deregistered' })
    expect(store.text(KEY)).toBeUndefined()
  })

  it('learns that it was deregistered while it was cut off', async () => {
    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    store.down()
    const away = store.failing
    store.failing = undefined
    await store.txn({
      then: [
        { type: 'delete', key: KEY },
        { type: 'put', key: GONE, value: '{"id":"me","reason":"deregistered"}' },
      ],
    })
    store.failing = away
    await clock.advance(30_000)
    expect(registration.state).toBe('lost')
    store.up()
    await clock.advance(2000)
    expect(await registration.closed).toEqual({ how: 'deregistered' })
    expect(store.text(KEY)).toBeUndefined()
  })

  it('is not deterred by an old tombstone of its own', async () => {
    const { clock, store, start } = setUp()
    await store.put(GONE, '{"id":"me","reason":"deregistered"}')
    start()
    await clock.advance(100)
    expect(store.text(KEY)).toBeDefined()
    expect(store.text(GONE)).toBeUndefined()
  })

  it.each(['wait', 'fail', 'takeover'] as const)(
    'outlives a snapshot from the time of its predecessor, where a conflict means %s',
    async (onConflict) => {
      const { clock, store, start, another } = setUp()
      const predecessor = another().start('web', '10.0.0.5:80', { id: 'predecessor' })
      await clock.advance(100)
      const restore = store.snapshot()
      await predecessor.close()
      const registration = start({ onConflict })
      await clock.advance(100)
      restore()
      await clock.advance(5000)
      store.expire()
      await clock.advance(10_000)
      expect(registration.state).toBe('registered')
      expect(store.text(KEY)).toContain('"id":"me"')
      await store.put(KEY, '{"Addr":"10.0.0.5:80","Metadata":{"id":"thief"}}')
      await clock.advance(5000)
      expect(await registration.closed).toMatchObject({ how: 'conflict' })
    },
  )

  it('outlives a snapshot from the time of its predecessor also where the registry had been wiped in between', async () => {
    const { clock, store, start, another } = setUp()
    for (let i = 0; i < 100; i++) await store.put('/other', String(i))
    const predecessor = another().start('web', '10.0.0.5:80', { id: 'predecessor' })
    await clock.advance(100)
    const restore = store.snapshot()
    await predecessor.close()
    store.wipe()
    const registration = start()
    await clock.advance(2000)
    expect(registration.state).toBe('registered')
    restore()
    await clock.advance(5000)
    store.expire()
    await clock.advance(15_000)
    store.expire()
    await clock.advance(5000)
    expect(registration.state).toBe('registered')
    expect(store.text(KEY)).toContain('"id":"me"')
  })

  it('outlives such a snapshot also where it sees the record of its predecessor before it learns that its lease is gone', async () => {
    const { clock, store, start, another } = setUp()
    for (let i = 0; i < 100; i++) await store.put('/other', String(i))
    const predecessor = another().start('web', '10.0.0.5:80', { id: 'predecessor' })
    await clock.advance(100)
    const restore = store.snapshot()
    await predecessor.close()
    store.wipe()
    const registration = start()
    await clock.advance(2000)
    restore()
    store.mute = true
    await clock.advance(1000)
    store.mute = false
    await clock.advance(14_000)
    store.expire()
    await clock.advance(5000)
    expect(registration.state).toBe('registered')
  })

  it.each(['wait', 'fail', 'takeover'] as const)(
    'yields to one that lives and took the address while the lease was lost, where a conflict means %s',
    async (onConflict) => {
      const { clock, store, start, another } = setUp()
      const registration = start({ onConflict })
      await clock.advance(100)
      await store.revokeLease(registration.lease!)
      const other = another().start('web', '10.0.0.5:80', { id: 'other' })
      await clock.advance(20_000)
      expect(await registration.closed).toMatchObject({ how: 'conflict', error: { exitCode: 7 } })
      expect(other.state).toBe('registered')
    },
  )

  it('ends with a conflict when another id overwrites it, without fighting for the key', async () => {
    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    await store.put(KEY, '{"Addr":"10.0.0.5:80","Metadata":{"id":"thief"}}')
    await clock.advance(5000)
    expect(await registration.closed).toMatchObject({ how: 'conflict', error: { code: 'CONFLICT' } })
    expect(store.text(KEY)).toContain('thief')
  })

  it('keeps what others set under its id, also when it has to come back', async () => {
    const { clock, store, start } = setUp()
    const registration = start({ weight: 3, meta: { a: '1' } })
    await clock.advance(100)
    const changed = store.text(KEY)!.replace('"weight":3', '"weight":7').replace('ready', 'drain')
    await store.put(KEY, changed, registration.lease)
    await clock.advance(100)
    expect(registration.endpoint).toMatchObject({ weight: 7, state: 'drain' })
    await store.revokeLease(registration.lease!)
    await clock.advance(2000)
    expect(store.text(KEY)).toBe(changed)
  })

  it('is bound to its lease again when somebody rewrites it without', async () => {
    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    await store.put(KEY, store.text(KEY)!.replace('"weight":1', '"weight":9'))
    await clock.advance(100)
    expect(store.entries.get(KEY)!.lease).toBe(registration.lease)
    expect(store.text(KEY)).toContain('"weight":9')
  })

  it('can be updated', async () => {
    const { clock, store, start } = setUp()
    const registration = start({ meta: { a: '1' } })
    const updated = registration.update({ weight: 5, meta: { b: '2' } })
    await clock.advance(100)
    await updated
    expect(store.text(KEY)).toContain('"weight":5')
    expect(store.text(KEY)).toContain('"meta":{"a":"1","b":"2"}')
    await expect(registration.update({ weight: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await registration.close()
    await expect(registration.update({ weight: 1 })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('carries a load figure for as long as there is one', async () => {
    const { clock, store, start } = setUp()
    const registration = start({ load: 0.5 })
    await clock.advance(100)
    expect(store.text(KEY)).toContain('"load":0.5')
    await store.put(KEY, store.text(KEY)!.replace('"weight":1', '"weight":9'))
    void registration.update({ load: 0.7 })
    await clock.advance(100)
    expect(store.text(KEY)).toContain('"weight":9,"state":"ready","role":"server","load":0.7')
    await store.delete(KEY)
    await clock.advance(100)
    expect(store.text(KEY)).toContain('"load":0.7')
    void registration.update({ load: null })
    await clock.advance(100)
    expect(store.text(KEY)).not.toContain('load')
    await expect(registration.update({ load: 1.5 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(registration.update({ load: NaN })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('can be hidden and shown', async () => {
    const { clock, store, start, events } = setUp()
    const registration = start({ visible: false })
    await clock.advance(1000)
    expect(store.text(KEY)).toBeUndefined()
    registration.setVisible(true)
    await clock.advance(1000)
    expect(store.text(KEY)).toBeDefined()
    registration.setVisible(false)
    await clock.advance(1000)
    expect(store.text(KEY)).toBeUndefined()
    expect(store.text(GONE)).toContain('failing')
    registration.setVisible(true)
    await clock.advance(1000)
    expect(store.text(KEY)).toBeDefined()
    expect(store.text(GONE)).toBeUndefined()
    expect(types(events)).toEqual(['registered', 'withdrawn', 'registered'])
  })
})

describe('a registry in trouble', () => {
  it('that is down at the start is waited for', async () => {
    const { clock, store, start, events } = setUp()
    store.down()
    start()
    await clock.advance(60_000)
    expect(types(events)).toEqual(['retrying'])
    store.up()
    await clock.advance(2000)
    expect(store.text(KEY)).toBeDefined()
    expect(types(events)).toEqual(['retrying', 'registered'])
  })

  it('that is away for longer than the TTL finds the same lease renewed', async () => {
    const { clock, store, start, events } = setUp()
    const registration = start()
    await clock.advance(100)
    const lease = registration.lease
    store.down()
    await clock.advance(60_000)
    expect(registration.state).toBe('lost')
    store.up()
    await clock.advance(2000)
    expect(registration).toMatchObject({ state: 'registered', lease })
    expect(types(events).filter((type) => type !== 'retrying')).toEqual(['registered', 'lost', 'registered'])
  })

  it('that was wiped has the record again', async () => {
    const { clock, store, start } = setUp()
    start()
    await clock.advance(20_000)
    const text = store.text(KEY)
    store.down()
    await clock.advance(5000)
    store.wipe()
    store.up()
    await clock.advance(2000)
    expect(store.text(KEY)).toBe(text)
  })

  it('that leaves keepalives unanswered is given a new stream before the lease ends', async () => {
    const { clock, store, start } = setUp()
    start()
    await clock.advance(100)
    store.mute = true
    const before = store.calls.filter((call) => call === 'openKeepAlive').length
    expect(store.calls).not.toContain('abandon')
    await clock.advance(7000)
    expect(store.calls.filter((call) => call === 'openKeepAlive').length).toBeGreaterThan(before)
    expect(store.calls).toContain('abandon')
    store.mute = false
    await clock.advance(60_000)
    expect(store.text(KEY)).toBeDefined()
  })

  it('that is out of space lets a record be taken out, and says that this is not for good', async () => {
    const { clock, store, start } = setUp()
    const runtime = { clock, random: seededRandom(1), log: silentLogger }
    start()
    await store.put('/ns/web/10.0.0.6:80', '')
    await clock.advance(100)
    store.refusing = new FairleadError('REFUSED', 'etcdserver: mvcc: database space exceeded')
    const kept = deregister(store, '/ns', 'web', { address: '10.0.0.5:80' }, runtime)
    await expect(kept).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('not for good') })
    expect(store.text(KEY)).toBeUndefined()
    expect(await deregister(store, '/ns', 'web', 'all', runtime)).toEqual(['10.0.0.6:80'])
  })

  it('that is out of space keeps what is there and is not asked in a loop', async () => {
    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    store.refusing = new FairleadError('REFUSED', 'etcdserver: mvcc: database space exceeded')
    await clock.advance(60_000)
    expect(registration.state).toBe('registered')
    await store.revokeLease(registration.lease!)
    store.calls.length = 0
    await clock.advance(60_000)
    expect(store.calls.filter((call) => call === 'grant').length).toBeLessThan(20)
    store.refusing = undefined
    await clock.advance(30_000)
    expect(store.text(KEY)).toBeDefined()
  })

  it('that denies the credentials at the start ends it, later not', async () => {
    const denied = new FairleadError('UNAUTHENTICATED', 'wrong password')
    const first = setUp()
    first.store.failing = denied
    const refused = first.start()
    await first.clock.advance(1000)
    expect(await refused.closed).toEqual({ how: 'failed', error: denied })

    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    store.failing = denied
    store.breakStreams()
    await clock.advance(60_000)
    expect(registration.state).toBe('lost')
    store.failing = undefined
    await clock.advance(60_000)
    expect(registration.state).toBe('registered')
  })

  it('does not hold up the end', async () => {
    const { clock, store, start } = setUp()
    const registration = start()
    await clock.advance(100)
    store.down()
    const closing = registration.close()
    await clock.advance(10_000)
    await closing
    expect(registration.state).toBe('closed')
  })

  it('is given up on if so asked', async () => {
    const { clock, store, start } = setUp()
    store.down()
    const registration = start({ giveUpAfterMs: 5000 })
    await clock.advance(4900)
    expect(registration.state).toBe('pending')
    await clock.advance(5000)
    expect(await registration.closed).toMatchObject({ how: 'gave-up', error: { code: 'LEASE_LOST' } })
  })

  it('finds a process that was stopped for longer than the TTL back under the same id', async () => {
    const { clock, store, start } = setUp()
    start()
    await clock.advance(100)
    const text = store.text(KEY)
    clock.jump(25_000)
    store.expire()
    expect(store.text(KEY)).toBeUndefined()
    await clock.advance(1000)
    expect(store.text(KEY)).toBe(text)
  })
})

describe('an address held by another registration', () => {
  async function held(mode: RegistrationOptions['onConflict'], id = 'me') {
    const setting = setUp()
    const { clock, registrar } = setting
    const holder = registrar.start('web', '10.0.0.5:80', { id: 'holder' })
    await clock.advance(100)
    const contender = setting.another().start('web', '10.0.0.5:80', {
      id,
      onEvent: (event) => setting.events.push(event),
      ...(mode ? { onConflict: mode } : {}),
    })
    return { ...setting, holder, contender }
  }

  it('is waited for until the holder is gone, also where a new leader prolongs its lease', async () => {
    const { clock, store, start } = setUp()
    const { id: dead } = await store.grantLease(10)
    await store.put(KEY, '{"Addr":"10.0.0.5:80","Metadata":{"id":"dead"}}', dead)
    const registration = start()
    await clock.advance(5000)
    store.changeLeader()
    await clock.advance(9000)
    expect(registration.state).toBe('pending')
    await clock.advance(5000)
    store.expire()
    await clock.advance(2000)
    expect(registration.state).toBe('registered')
  })

  it('is waited for, and a conflict once the holder has renewed past its TTL', async () => {
    const { clock, store, contender, holder, events } = await held('wait')
    await clock.advance(5000)
    expect(contender.state).toBe('pending')
    await clock.advance(15_000)
    expect(await contender.closed).toMatchObject({ how: 'conflict', error: { code: 'CONFLICT', exitCode: 7 } })
    expect(types(events)).toContain('waiting')
    expect(holder.state).toBe('registered')
    expect(store.text(KEY)).toContain('holder')
  })

  it('is taken over when the holder leaves', async () => {
    const { clock, store, contender, holder } = await held('wait')
    await clock.advance(2000)
    void holder.close()
    await clock.advance(100)
    expect(contender.state).toBe('registered')
    expect(store.text(KEY)).toContain('"id":"me"')
  })

  it('is taken over when the lease of a dead holder ends', async () => {
    const { clock, store, start } = setUp()
    const { id: lease } = await store.grantLease(10)
    await store.put(KEY, '{"Addr":"10.0.0.5:80","Metadata":{"id":"dead"}}', lease)
    const registration = start()
    await clock.advance(12_000)
    expect(registration.state).toBe('registered')
  })

  it('is a conflict at once for `fail`', async () => {
    const { clock, contender } = await held('fail')
    await clock.advance(100)
    expect(await contender.closed).toMatchObject({ how: 'conflict' })
  })

  it('is taken at once by `takeover`, and the loser ends with a conflict', async () => {
    const { clock, store, contender, holder } = await held('takeover')
    await clock.advance(5000)
    expect(contender.state).toBe('registered')
    expect(await holder.closed).toMatchObject({ how: 'conflict' })
    expect(store.text(KEY)).toContain('"id":"me"')
  })

  it('is taken at once by the same id, whose other process gives way', async () => {
    const { clock, contender, holder } = await held('wait', 'holder')
    await clock.advance(5000)
    expect(contender.state).toBe('registered')
    expect(await holder.closed).toMatchObject({ how: 'conflict' })
  })

  it("is nobody's where the record has no lease: it is taken, except with `fail`", async () => {
    for (const mode of ['wait', 'fail'] as const) {
      const { clock, store, start } = setUp()
      await store.put(KEY, '10.0.0.5:80')
      const registration = start({ onConflict: mode })
      await clock.advance(100)
      expect(registration.state).toBe(mode === 'wait' ? 'registered' : 'closed')
      expect(store.text(KEY)).toMatch(mode === 'wait' ? /"id":"me"/ : /^10.0.0.5:80$/)
    }
  })
})

describe('many registrations of one process', () => {
  it('share leases and one stream, and one that leaves takes nothing with it', async () => {
    const { clock, store, registrar } = setUp()
    const count = RECORDS_PER_LEASE * 2 + 10
    const registrations = Array.from({ length: count }, (_, i) => registrar.start('web', `10.0.1.${i}:80`))
    await clock.advance(1000)
    expect(store.entries.size).toBe(count)
    expect(store.leases.size).toBe(3)
    expect(store.openStreams).toBe(1)
    await registrations[0]!.close()
    const records = () => [...store.entries.keys()].filter((key) => key.startsWith('/ns/web/'))
    expect(records()).toHaveLength(count - 1)
    await store.revokeLease(registrations[1]!.lease!)
    await clock.advance(2000)
    expect(records()).toHaveLength(count - 1)
    await registrar.close()
    expect(records()).toHaveLength(0)
  })

  it('are refused twice for one address, and with bad arguments', async () => {
    const { registrar } = setUp()
    registrar.start('web', '10.0.0.5:80')
    const code = (code: string) => expect.objectContaining({ code })
    expect(() => registrar.start('web', '10.0.0.5:80')).toThrow(code('CONFLICT'))
    expect(() => registrar.start('.web', '10.0.0.5:80')).toThrow(code('INVALID_ARGUMENT'))
    expect(() => registrar.start('web', '0.0.0.0:80')).toThrow(code('INVALID_ARGUMENT'))
    expect(() => registrar.start('web', 'a:80', { weight: 1001 })).toThrow(code('INVALID_ARGUMENT'))
    expect(() => registrar.start('web', 'a:80', { ttlSeconds: 0.5 })).toThrow(code('INVALID_ARGUMENT'))
    expect(() => registrar.start('web', 'a:80', { id: '' })).toThrow(code('INVALID_ARGUMENT'))
  })

  it('can be awaited', async () => {
    const { clock, registrar, store } = setUp()
    const registering = registrar.register('web', '10.0.0.5:80', { id: 'me' })
    await clock.advance(100)
    expect(await registering).toMatchObject({ state: 'registered' })
    await store.put('/ns/web/a:1', 'a:1', (await store.grantLease(10)).id)
    await expect(registrar.register('web', 'a:1', { onConflict: 'fail' })).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
