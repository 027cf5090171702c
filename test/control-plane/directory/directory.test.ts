import { describe, expect, it } from 'vitest'
import { FairleadError } from '../../../src/core/errors.js'
import { FakeStore } from '../../support/fake-store.js'
import { setUpDirectory, short } from './setup.js'

describe('a view of a service', () => {
  it('holds the servers of the registry in order, with what is said of them', async () => {
    const { put, follow, pass } = setUpDirectory()
    put('10.0.0.2:80', { id: 'two', weight: 3, zone: 'a', meta: { version: '1.4' } })
    put('10.0.0.1:80', {})
    const { views } = follow()
    expect(views).toEqual([])
    await pass(20)
    expect(views).toHaveLength(1)
    expect(views[0]).toMatchObject({ service: 'web', exists: true, choice: undefined })
    expect(views[0]!.endpoints).toEqual([
      expect.objectContaining({ id: '10.0.0.1:80', ip: '10.0.0.1', port: 80, zone: undefined, weight: 1, meta: {} }),
      {
        id: 'two',
        ip: '10.0.0.2',
        port: 80,
        address: '10.0.0.2:80',
        zone: 'a',
        weight: 3,
        state: 'usable',
        meta: { version: '1.4' },
      },
    ])
    expect(Object.isFrozen(views[0])).toBe(true)
    expect(Object.isFrozen(views[0]!.endpoints)).toBe(true)
    expect(views[0]!.endpoints.every((endpoint) => Object.isFrozen(endpoint))).toBe(true)
  })

  it('leaves out maintenance and weight 0, and says what drains', async () => {
    const { put, follow, pass } = setUpDirectory()
    put('10.0.0.1:80', { weight: 0 })
    put('10.0.0.2:80', { state: 'drain', weight: 2 })
    put('10.0.0.3:80', { state: 'maint' })
    put('10.0.0.4:80', { weight: 2 })
    const { views } = follow()
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.2:80@2 draining', '10.0.0.4:80@2'])
  })

  it('weighs all alike where the registry gives 0 to all', async () => {
    const { put, follow, pass } = setUpDirectory()
    put('10.0.0.1:80', { weight: 0 })
    put('10.0.0.2:80', { weight: 0 })
    const { views } = follow()
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80', '10.0.0.2:80'])
  })

  it('leaves out lookaside balancers and addresses that must not be connected to', async () => {
    const { store, put, follow, pass } = setUpDirectory()
    put('10.0.0.1:80')
    put('169.254.169.254:80')
    put('[fe80::1]:80')
    store.write(['/ns/.balancers/web/10.0.0.9:8001', '10.0.0.9:8001'])
    const { views } = follow()
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80'])
  })

  it('follows the registry: endpoints that stay the same are the same object', async () => {
    const { put, follow, pass } = setUpDirectory()
    put('10.0.0.1:80')
    put('10.0.0.2:80')
    const { views } = follow()
    await pass(20)
    put('10.0.0.2:80', { weight: 5 })
    await pass(20)
    put('10.0.0.1:80', null)
    await pass(20)
    expect(views.map(({ endpoints }) => short(endpoints))).toEqual([
      ['10.0.0.1:80', '10.0.0.2:80'],
      ['10.0.0.1:80', '10.0.0.2:80@5'],
      ['10.0.0.2:80@5'],
    ])
    expect(views[1]!.endpoints[0]).toBe(views[0]!.endpoints[0])
    expect(views[2]!.endpoints[0]).toBe(views[1]!.endpoints[1])
  })

  it('is not told again where nothing in it has changed', async () => {
    const { store, put, follow, pass } = setUpDirectory()
    put('10.0.0.1:80')
    const { views } = follow()
    await pass(20)
    put('10.0.0.1:80')
    store.write(['/ns/.balancers/web/10.0.0.9:8001', '10.0.0.9:8001'])
    await pass(50)
    put('10.0.0.3:80', { state: 'maint' })
    await pass(50)
    expect(views).toHaveLength(1)
  })

  it('comes at most every 10 ms, and the last word counts', async () => {
    const { put, follow, pass, clock } = setUpDirectory()
    put('10.0.0.1:80')
    const { views } = follow()
    await pass(100)
    const before = clock.now()
    for (let weight = 2; weight <= 60; weight++) {
      put('10.0.0.1:80', { weight })
      await pass(1)
    }
    await pass(20)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80@60'])
    expect(views.length - 1).toBeLessThanOrEqual((clock.now() - before) / 10 + 1)
  })

  it('says that a service does not exist until it has a record or a config', async () => {
    const { store, put, follow, pass } = setUpDirectory()
    const { views } = follow()
    await pass(20)
    expect(views.at(-1)).toMatchObject({ exists: false, endpoints: [] })
    store.write(['/ns/.config/web', '{"loadBalancingConfig":[{"round_robin":{}}]}'])
    await pass(20)
    expect(views.at(-1)).toMatchObject({ exists: true, endpoints: [], choice: { name: 'round_robin' } })
    store.write(['/ns/.config/web', null])
    put('10.0.0.1:80')
    await pass(20)
    expect(views.at(-1)).toMatchObject({ exists: true, choice: undefined, serviceConfig: undefined })
  })

  it('carries what the config says about balancing; one that cannot be used changes nothing', async () => {
    const { store, put, follow, pass } = setUpDirectory()
    put('10.0.0.1:80')
    const config = {
      loadBalancingConfig: [
        { outlier_detection_experimental: { interval: '3s', childPolicy: [{ least_request_experimental: {} }] } },
      ],
    }
    store.write(['/ns/.config/web', JSON.stringify(config)])
    const { views } = follow()
    await pass(20)
    const [first] = views
    expect(first).toMatchObject({
      choice: { name: 'least_request' },
      outlierDetection: { intervalMs: 3000 },
      serviceConfig: config,
    })
    store.write(['/ns/.config/web', JSON.stringify(config, null, 2)])
    await pass(20)
    store.write(['/ns/.config/web', '{"loadBalancingConfig":[{"of_another_world":{}}]}'])
    await pass(20)
    expect(views).toEqual([first])
  })

  it('keeps what expires together for one TTL', async () => {
    const { store, put, follow, pass } = setUpDirectory()
    for (const i of [1, 2, 3]) put(`10.0.0.${i}:80`)
    const { views } = follow()
    await pass(20)
    store.write(['/ns/web/10.0.0.1:80', null], ['/ns/web/10.0.0.2:80', null], ['/ns/web/10.0.0.3:80', null])
    await pass(9000)
    expect(views).toHaveLength(1)
    await pass(2000)
    expect(short(views.at(-1)!.endpoints)).toEqual([])
  })
})

describe('a registry that is away', () => {
  it('shows once in the events, empties nothing, and has nobody look at views again', async () => {
    const { store, put, follow, pass, events } = setUpDirectory()
    put('10.0.0.1:80')
    put('10.0.0.2:90', {}, 'db')
    const web = follow('web')
    const db = follow('db')
    await pass(20)
    store.isAway = true
    store.cut()
    await pass(10_000)
    expect(events).toEqual([{ event: 'stale', reason: expect.any(String) as string }])
    store.isAway = false
    await pass(10_000)
    expect(events.slice(1)).toEqual([{ event: 'live' }])
    for (const { views } of [web, db]) expect(views).toHaveLength(1)
    expect(short(web.views[0]!.endpoints)).toEqual(['10.0.0.1:80'])
  })

  it('makes followers wait where nothing is known', async () => {
    const store = new FakeStore()
    store.isAway = true
    const { directory, put, follow, pass } = setUpDirectory({ store })
    let isReady = false
    void directory.ready.then(() => (isReady = true))
    const { views } = follow()
    await pass(10_000)
    expect(views).toEqual([])
    expect(isReady).toBe(false)
    put('10.0.0.1:80')
    store.isAway = false
    await pass(10_000)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80'])
    expect(isReady).toBe(true)
  })
})

describe('followers', () => {
  it('share one subscription, and find a service warm for a while after the last has left', async () => {
    const { store, put, follow, pass } = setUpDirectory({ lingerMs: 5000 })
    await pass(20)
    const idle = store.openWatches
    put('10.0.0.1:80')
    const one = follow()
    await pass(20)
    const busy = store.openWatches
    expect(busy).toBeGreaterThan(idle)
    const two = follow()
    expect(two.views).toEqual(one.views)
    expect(two.views[0]).toBe(one.views[0])
    one.end()
    two.end()
    two.end()
    await pass(4000)
    expect(store.openWatches).toBe(busy)
    const three = follow()
    expect(three.views).toHaveLength(1)
    await pass(10_000)
    expect(store.openWatches).toBe(busy)
    three.end()
    await pass(6000)
    expect(store.openWatches).toBe(idle)
  })

  it('hear nothing after they have left, nor after the end', async () => {
    const { directory, put, follow, pass, clock, store } = setUpDirectory()
    const one = follow()
    const two = follow()
    await pass(20)
    one.end()
    put('10.0.0.1:80')
    await pass(20)
    expect([one.views.length, two.views.length]).toEqual([1, 2])
    await directory.close()
    await directory.close()
    put('10.0.0.2:80')
    await pass(20)
    expect(two.views).toHaveLength(2)
    expect(store.openWatches).toBe(0)
    expect(clock.pending).toBe(0)
    expect(() => follow()).toThrow(expect.objectContaining({ code: 'ABORTED' }))
  })

  it('that another follower ends hear nothing, not even of the same view', async () => {
    const { directory, follow, pass } = setUpDirectory()
    let endOther = () => {}
    directory.follow('web', () => endOther())
    const other = follow()
    endOther = other.end
    await pass(20)
    expect(other.views).toEqual([])
  })

  it('may ask for service names only', () => {
    const { follow } = setUpDirectory()
    expect(() => follow('../etc')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('cannot make it follow any number of services that do not exist', async () => {
    const { store, put, follow, pass } = setUpDirectory({ maxUnknown: 3, lingerMs: 1000 })
    put('10.0.0.1:80', {}, 'known')
    await pass(20)
    const strangers = ['a', 'b', 'c'].map((name) => follow(name))
    await pass(20)
    const watches = store.openWatches
    for (let i = 0; i < 100; i++) {
      expect(() => follow(`x${i}`)).toThrow(expect.objectContaining({ code: 'REFUSED' }))
    }
    await pass(20)
    expect(store.openWatches).toBe(watches)
    // What exists is followed all the same, and so is what others follow.
    expect(follow('a').views).toHaveLength(1)
    const known = follow('known')
    await pass(20)
    expect(known.views.at(-1)!.exists).toBe(true)
    // Another one that comes to exist makes room, and so does one that nobody follows any more.
    put('10.0.0.2:80', {}, 'b')
    await pass(20)
    follow('y')
    expect(() => follow('z')).toThrow(FairleadError)
    strangers[2]!.end()
    await pass(2000)
    follow('z')
  })
})

describe('a registry that nothing was heard of', () => {
  it('is no reason to say of a service that it does not exist', async () => {
    const store = new FakeStore()
    store.isAway = true
    const { put, follow, pass } = setUpDirectory({ maxUnknown: 2, store })
    put('10.0.0.1:80', {}, 'c')
    for (const name of ['a', 'b']) follow(name)
    const followed = () => follow('c')
    expect(followed).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    await pass(2000)
    expect(followed).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    store.isAway = false
    await pass(10_000)
    expect(followed().views).toHaveLength(0)
    expect(() => follow('d')).toThrow(expect.objectContaining({ code: 'REFUSED' }))
  })
})

describe('the names of services', () => {
  it('are those with a record, sorted, and follow the registry', async () => {
    const { directory, store, put, pass } = setUpDirectory()
    const lists: (readonly string[])[] = []
    put('10.0.0.1:80', {}, 'web')
    put('10.0.0.2:80', {}, 'web')
    put('10.0.0.1:90', {}, 'db')
    store.write(['/ns/.config/mail', '{}'])
    const end = directory.followNames((names) => lists.push(names))
    await pass(100)
    put('10.0.0.1:80', null, 'web')
    put('10.0.0.3:80', {}, 'web')
    await pass(100)
    put('10.0.0.1:25', {}, 'mail')
    await pass(100)
    put('10.0.0.1:90', null, 'db')
    await pass(100)
    end()
    put('10.0.0.1:1', {}, 'new')
    await pass(100)
    expect(lists).toEqual([
      ['db', 'web'],
      ['db', 'mail', 'web'],
      ['mail', 'web'],
    ])
    const again: (readonly string[])[] = []
    directory.followNames((names) => again.push(names))
    expect(again).toEqual([['mail', 'new', 'web']])
  })

  it('are those known from an earlier run while the registry is away', async () => {
    const store = new FakeStore()
    store.isAway = true
    const { directory, put, pass } = setUpDirectory({ store, knownServices: ['web', 'db'] })
    await directory.ready
    const lists: (readonly string[])[] = []
    directory.followNames((names) => lists.push(names))
    await pass(1000)
    expect(lists).toEqual([['db', 'web']])
    put('10.0.0.1:80')
    store.isAway = false
    await pass(10_000)
    expect(lists.slice(1)).toEqual([['web']])
  })

  it('are not known where the registry is away and there was no earlier run: nobody hears that there are none', async () => {
    const store = new FakeStore()
    store.isAway = true
    const { directory, put, pass } = setUpDirectory({ store })
    const lists: (readonly string[])[] = []
    directory.followNames((names) => lists.push(names))
    await pass(10_000)
    expect(lists).toEqual([])
    put('10.0.0.1:80')
    store.isAway = false
    await pass(10_000)
    expect(lists).toEqual([['web']])
  })

  it('make nobody ready where the registry does not know who asks', async () => {
    const store = new FakeStore()
    store.list = () => Promise.reject(new FairleadError('UNAUTHENTICATED', 'wrong password'))
    const { directory, pass, events } = setUpDirectory({ store })
    let isReady = false
    void directory.ready.then(() => (isReady = true))
    await pass(10_000)
    expect(isReady).toBe(false)
    expect(events).toEqual([{ event: 'stale', reason: 'wrong password' }])
  })

  it('need not be known where the registry does not let them be listed', async () => {
    const store = new FakeStore()
    const list = store.list.bind(store)
    store.list = (prefix, ...rest) =>
      prefix === '/ns/'
        ? Promise.reject(new FairleadError('PERMISSION_DENIED', 'not the whole of it'))
        : list(prefix, ...rest)
    const { directory, put, follow, pass, events } = setUpDirectory({ store })
    await directory.ready
    put('10.0.0.1:80')
    const { views } = follow()
    await pass(100)
    expect(short(views.at(-1)!.endpoints)).toEqual(['10.0.0.1:80'])
    expect(events).toEqual([])
  })
})
