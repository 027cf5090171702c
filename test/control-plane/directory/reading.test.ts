import { expect, it } from 'vitest'
import type { Lookup } from '../../../src/core/control-plane/directory/host-names.js'
import type { ViewObserver } from '../../../src/core/control-plane/directory/contract.js'
import { FakeStore } from '../../support/fake-store.js'
import { setUpDirectory } from './setup.js'

it('says of every registered endpoint what clients are told, or why they are not', async () => {
  const lookup: Lookup = (name) =>
    name === 'db.test' ? Promise.resolve(['10.0.1.1', '10.0.1.2']) : Promise.reject(new Error('ENOTFOUND'))
  const { directory, store, put, follow, pass } = setUpDirectory({ lookup })
  put('10.0.0.1:80', { id: 'one', weight: 3, zone: 'a' })
  put('10.0.0.2:80', { state: 'drain', weight: 2 })
  put('10.0.0.3:80', { state: 'maint' })
  put('10.0.0.4:80', { weight: 0 })
  put('169.254.169.254:80')
  put('db.test:80')
  put('nowhere.test:80')
  store.write(['/ns/.balancers/web/10.0.0.9:8001', '10.0.0.9:8001'])
  store.write(['/ns/.config/web', '{"loadBalancingConfig":[{"round_robin":{}}]}'])
  follow()
  await pass(3000)
  const [web] = directory.read().services
  expect(web).toMatchObject({
    ...{ service: 'web', exists: true, policy: 'round_robin', panic: false, registered: 8 },
    told: { usable: 3, draining: 1, unhealthy: 0 },
    load: { requests: 0, failed: 0, dropped: 0 },
  })
  const endpoints = web!.endpoints()
  expect(
    endpoints.map(({ address, dialed, told, toldWeight, verdict }) => [address, dialed, told, toldWeight, verdict]),
  ).toEqual([
    ['10.0.0.1:80', '10.0.0.1:80', 'usable', 3, 'ready'],
    ['10.0.0.2:80', '10.0.0.2:80', 'draining', 2, 'drain'],
    ['10.0.0.3:80', '10.0.0.3:80', undefined, undefined, 'maint'],
    ['10.0.0.4:80', '10.0.0.4:80', undefined, undefined, 'weight_zero'],
    ['10.0.0.9:8001', undefined, undefined, undefined, 'balancer'],
    ['169.254.169.254:80', undefined, undefined, undefined, 'refused_address'],
    ['db.test:80', '10.0.1.1:80', 'usable', 1, 'ready'],
    ['db.test:80', '10.0.1.2:80', 'usable', 1, 'ready'],
    ['nowhere.test:80', undefined, undefined, undefined, 'unresolved'],
  ])
  expect(endpoints[0]).toMatchObject({ id: 'one', zone: 'a', weight: 3, state: 'ready', health: 'healthy' })
})

it('knows a host name apart whose addresses are told already', async () => {
  const { directory, put, follow, pass } = setUpDirectory({ lookup: () => Promise.resolve(['10.0.0.1']) })
  put('10.0.0.1:80')
  put('db.test:80')
  follow()
  await pass(100)
  const verdicts = directory
    .read()
    .services[0]!.endpoints()
    .map(({ verdict }) => verdict)
  expect(verdicts).toEqual(['ready', 'duplicate'])
})

it('is ready when the registry has said something, and shows how old that is', async () => {
  const store = new FakeStore()
  store.isAway = true
  const { directory, clock, put, follow, pass } = setUpDirectory({ store })
  follow()
  await pass(2000)
  const nothing = { revision: undefined, changedAt: undefined }
  expect(directory.read()).toMatchObject({ isReady: false, registry: { ...nothing, stale: { reason: /./ } } })
  expect(directory.read().services).toMatchObject([
    { exists: false, registered: 0, toldAt: undefined, registry: nothing },
  ])
  expect(directory.read().services[0]!.endpoints()).toEqual([])
  store.isAway = false
  put('10.0.0.1:80')
  await pass(20_000)
  const known = directory.read()
  expect(known).toMatchObject({ isReady: true, registry: { revision: '2', stale: undefined } })
  expect(known.services).toMatchObject([{ registry: { revision: '2', stale: undefined }, registered: 1 }])
  const { changedAt } = known.services[0]!.registry
  expect(changedAt).toBeLessThan(clock.wall())
  expect(known.services[0]!.toldAt).toBeGreaterThanOrEqual(changedAt!)
  store.isAway = true
  store.cut()
  await pass(60_000)
  const later = directory.read()
  expect(later).toMatchObject({ isReady: true, registry: { revision: '2', changedAt: known.registry.changedAt } })
  expect(later.registry.stale!.forMs).toBeGreaterThan(30_000)
  expect(later.services[0]!.registry.stale!.forMs).toBeGreaterThan(30_000)
})

it('tells with a view when the change that led to it was heard of, and not so with what was there before', async () => {
  const { directory, clock, put, pass } = setUpDirectory()
  put('10.0.0.1:80')
  const heard: (number | undefined)[] = []
  const observer: ViewObserver = (_, heardAt) => heard.push(heardAt)
  directory.follow('web', observer)
  await pass(100)
  expect(heard).toEqual([undefined])
  const before = clock.now()
  put('10.0.0.2:80')
  await pass(100)
  expect(heard[1]).toBeGreaterThanOrEqual(before)
  expect(heard[1]).toBeLessThanOrEqual(clock.now())
  directory.follow('web', observer)
  expect(heard).toEqual([undefined, heard[1], undefined])
})
