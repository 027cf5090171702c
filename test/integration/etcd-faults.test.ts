import { afterEach, beforeEach, expect, it } from 'vitest'
import { type EtcdOptions, openEtcdStore } from '../../src/core/registry/etcd/index.js'
import type { Store } from '../../src/core/registry/store.js'
import { createRegistrar } from '../../src/core/registry/registrar.js'
import { sleep, systemRuntime } from '../../src/core/runtime.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { describeWithPeers } from '../support/peers.js'
import { freePort, type RealEtcd, startRealEtcd } from '../support/real-etcd.js'
import { drain, follow } from '../support/watching.js'

/** Without chance the first endpoint is the one preferred. */
const preferFirst = { ...systemRuntime, random: { next: () => 0 } }

describeWithPeers(['etcd'], 'the etcd store under faults', () => {
  let etcd: RealEtcd
  const cleanups: (() => unknown)[] = []

  beforeEach(async () => {
    etcd = await startRealEtcd()
    cleanups.push(() => etcd.close())
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  const open = (options: Partial<EtcdOptions> = {}): Store => {
    const store = openEtcdStore({ endpoints: [etcd.endpoint], ...options }, systemRuntime)
    cleanups.push(() => store.close())
    return store
  }
  const proxied = async (): Promise<FaultProxy> => {
    const proxy = await startFaultProxy(etcd.port)
    cleanups.push(() => proxy.close())
    return proxy
  }
  const put = (store: Store, key: string, value = 'v') => store.txn({ then: [{ type: 'put', key, value }] })

  it('loses nothing when etcd is killed under a watch and comes back', async () => {
    const store = open()
    const { revision } = await put(store, '/a', '1')
    const watch = follow(store, ['/'], revision + 1n)
    await put(store, '/a', '2')
    await watch.until(({ changes }) => changes.length === 1)
    await etcd.kill('SIGKILL')
    await expect(watch.ended).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(store.get('/a')).rejects.toMatchObject({ code: 'UNAVAILABLE' })

    await etcd.start()
    const writer = open()
    await put(writer, '/a', '3')
    const again = follow(writer, ['/'], watch.batches.at(-1)!.next)
    await again.until(({ changes }) => changes.length === 1)
    expect([...watch.changes, ...again.changes]).toEqual(['+/a=2', '+/a=3'])
    await again.stop()
    // The first store finds its way back by itself.
    await expect
      .poll(
        () =>
          store.get('/a').then(
            ({ entry }) => entry?.value.toString(),
            () => 'away',
          ),
        { timeout: 10_000 },
      )
      .toBe('3')
  })

  it('notices a registry that stopped answering', async () => {
    const store = open({ commandTimeoutMs: 1_000 })
    const { revision } = await put(store, '/a')
    const watch = follow(store, ['/'], revision + 1n)
    await watch.until(({ batches }) => batches.length === 1)
    const lease = await store.grantLease(60)
    const renewals = new Promise<Error>((resolve) => {
      const stream = store.openKeepAlive({
        onAnswer() {
          etcd.signal('SIGSTOP')
          stream.send(lease.id)
        },
        onEnd: resolve,
      })
      stream.send(lease.id)
    })
    expect(await renewals).toMatchObject({ code: 'UNAVAILABLE' })
    await expect(put(store, '/a')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/no (answer|connection) within/),
    })
    await expect(watch.ended).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    etcd.signal('SIGCONT')
    await expect
      .poll(
        () =>
          put(store, '/a').then(
            () => 'back',
            () => 'away',
          ),
        { timeout: 20_000 },
      )
      .toBe('back')
  })

  it('renews a lease by the other endpoint when the stream to the first one was abandoned', async () => {
    const proxy = await proxied()
    const store = openEtcdStore({ endpoints: [proxy.endpoint, etcd.endpoint] }, preferFirst)
    cleanups.push(() => store.close())
    const lease = await store.grantLease(60)
    const renewal = () => {
      let answered!: () => void
      const answer = new Promise<void>((resolve) => (answered = resolve))
      const stream = store.openKeepAlive({ onAnswer: () => answered(), onEnd: () => undefined })
      stream.send(lease.id)
      return { stream, answer }
    }
    const first = renewal()
    await first.answer
    proxy.blackhole()
    first.stream.abandon()
    const second = renewal()
    await second.answer
    second.stream.close()
  })

  it('keeps a registration over a new connection when the network forgets the old one', async () => {
    const proxy = await proxied()
    const store = open({ endpoints: [proxy.endpoint] })
    const registrar = createRegistrar(store, { ttlSeconds: 6 }, systemRuntime)
    cleanups.push(() => registrar.close())
    const events: string[] = []
    const registration = await registrar.register('web', '10.0.0.5:80', { onEvent: ({ type }) => events.push(type) })
    const { lease } = registration
    proxy.forget()
    await expect.poll(() => proxy.connections, { timeout: 15_000 }).toBeGreaterThan(1)
    await sleep(systemRuntime.clock, 6000)
    expect(registration.lease).toBe(lease)
    expect(events).not.toContain('lost')
  })

  it('goes to the endpoint that is up, whichever comes first', async () => {
    const dead = `127.0.0.1:${await freePort()}`
    for (const endpoints of [
      [dead, etcd.endpoint],
      [etcd.endpoint, dead],
    ]) {
      const store = open({ endpoints })
      await put(store, '/a')
      expect((await store.list('/')).entries).toHaveLength(1)
      const watch = follow(store, ['/'], 1n)
      await watch.until(({ changes }) => changes.length > 0)
      await watch.stop()
      const members = await store.members()
      expect(members.map(({ endpoint, error }) => [endpoint, (error as { code?: string } | undefined)?.code])).toEqual(
        endpoints.map((endpoint) => [endpoint, endpoint === dead ? 'UNAVAILABLE' : undefined]),
      )
    }
  })

  it('passes over an endpoint that accepts and says nothing, within the dial time-out', async () => {
    const proxy = await proxied()
    proxy.blackhole()
    for (const endpoints of [
      [proxy.endpoint, etcd.endpoint],
      [etcd.endpoint, proxy.endpoint],
    ]) {
      // A call that waited for the silent one would fail: its time is less than one dial takes.
      const store = open({ endpoints, dialTimeoutMs: 60_000, commandTimeoutMs: 30_000 })
      await put(store, '/a')
      const watch = follow(store, ['/'], 1n)
      await watch.until(({ changes }) => changes.length > 0)
      await watch.stop()
    }
  })

  it('gives up on a silent endpoint after the dial time-out', async () => {
    const proxy = await proxied()
    proxy.blackhole()
    const store = open({ endpoints: [proxy.endpoint], dialTimeoutMs: 200, commandTimeoutMs: 60_000 })
    await expect(store.get('/a')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: `the registry cannot be reached: ${proxy.endpoint} (no connection within 200 ms)`,
    })
  })

  it('reads from the other endpoint when one goes silent under a call', async () => {
    const proxy = await proxied()
    const store = openEtcdStore({ endpoints: [proxy.endpoint, etcd.endpoint], commandTimeoutMs: 4_000 }, preferFirst)
    cleanups.push(() => store.close())
    await put(store, '/a')
    expect(proxy.connections).toBe(1)
    proxy.blackhole()
    expect((await store.get('/a')).entry).toBeDefined()
    // From now on the one that works comes first, for writes too.
    await put(store, '/a')
  })

  it('reads in a transaction from the other endpoint as well', async () => {
    const proxy = await proxied()
    const store = openEtcdStore({ endpoints: [proxy.endpoint, etcd.endpoint], commandTimeoutMs: 4_000 }, preferFirst)
    cleanups.push(() => store.close())
    await put(store, '/a')
    proxy.blackhole()
    const { results } = await store.txn({ then: [{ type: 'get', key: '/a' }] })
    expect(results[0]).toHaveLength(1)
  })

  it('does not repeat a write whose fate is unknown', async () => {
    const proxy = await proxied()
    const store = openEtcdStore({ endpoints: [proxy.endpoint, etcd.endpoint], commandTimeoutMs: 1_000 }, preferFirst)
    cleanups.push(() => store.close())
    const { revision } = await put(store, '/a')
    proxy.blackhole()
    await expect(put(store, '/a')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect((await store.get('/a')).revision).toBe(revision)
  })

  it('reads on over a new connection where the old one was cut', async () => {
    const proxy = await proxied()
    const store = open({ endpoints: [proxy.endpoint] })
    await put(store, '/a')
    const watch = follow(store, ['/'], 1n)
    await watch.until(({ changes }) => changes.length === 1)
    proxy.cut()
    expect((await store.get('/a')).entry).toBeDefined()
    await expect(watch.ended).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('works over a slow link', async () => {
    const proxy = await proxied()
    proxy.delay(100)
    const store = open({ endpoints: [proxy.endpoint] })
    const { revision } = await put(store, '/a')
    const watch = follow(store, ['/'], revision)
    await watch.until(({ changes }) => changes.length === 1)
    await watch.stop()
  })

  it('tells that nothing listens, by name and without delay', async () => {
    const port = await freePort()
    const store = open({ endpoints: [`127.0.0.1:${port}`], dialTimeoutMs: 60_000, commandTimeoutMs: 60_000 })
    const failure = { code: 'UNAVAILABLE', exitCode: 4, hint: expect.stringContaining('fairlead registry') }
    const message = expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port} \\(connect ECONNREFUSED`))
    await expect(store.get('/a')).rejects.toMatchObject({ ...failure, message })
    await expect(put(store, '/a')).rejects.toMatchObject({ ...failure, message })
    await expect(drain(store.watch(['/'], 1n, new AbortController().signal))).rejects.toMatchObject({
      ...failure,
      message,
    })
    await expect(store.list('/')).rejects.toMatchObject({ ...failure, message })
  })

  it('ends a call as soon as its signal aborts', async () => {
    const proxy = await proxied()
    const store = open({ endpoints: [proxy.endpoint], commandTimeoutMs: 60_000 })
    await put(store, '/a')
    proxy.blackhole()
    const controller = new AbortController()
    const call = store.get('/a', { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 50)
    await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: expect.objectContaining({ message: 'enough' }) })
  })
})
