import { afterEach, describe, expect, it } from 'vitest'
import { parseListen } from '../../../src/core/net/listen-address.js'
import { startRegistry, type TestRegistry } from '../../../src/testing.js'
import { RawEtcd } from '../../support/raw-etcd.js'

describe('startRegistry', () => {
  const open: { close(): Promise<void> | void }[] = []
  afterEach(async () => {
    for (const item of open.splice(0)) await item.close()
  })
  const keep = <T extends { close(): Promise<void> | void }>(item: T): T => {
    open.push(item)
    return item
  }

  it('listens on a free port and names it', async () => {
    const [first, second] = [keep(await startRegistry()), keep(await startRegistry())]
    expect(first.endpoint).toBe(`127.0.0.1:${first.port}`)
    expect(first.port).not.toBe(second.port)
    const identity = async ({ endpoint }: TestRegistry) =>
      (await keep(new RawEtcd(endpoint)).call('Status')).header.cluster_id
    expect(await identity(first)).not.toBe(await identity(second))
  })

  it('names the port that is taken and says what to do', async () => {
    const { endpoint } = keep(await startRegistry())
    await expect(startRegistry({ listen: endpoint })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: `${endpoint} is already in use`,
      hint: expect.stringContaining('port 0'),
    })
  })

  it('ends streams when it closes, can be closed again, and frees its port for an empty one', async () => {
    const registry = await startRegistry()
    const etcd = keep(new RawEtcd(registry.endpoint))
    await etcd.call('Put', { key: 'a' })
    const watch = etcd.watch()
    await watch.create({ key: 'a' })
    const ended = expect(watch.next()).rejects.toMatchObject({ code: expect.any(Number) })
    await registry.close()
    await ended
    await registry.close()
    const again = keep(await startRegistry({ listen: registry.endpoint }))
    expect(again.port).toBe(registry.port)
    expect(await keep(new RawEtcd(again.endpoint)).call('Range', { key: 'a' })).toMatchObject({ count: '0' })
  })

  it('is given back by `await using`', async () => {
    const registry = await startRegistry()
    await registry[Symbol.asyncDispose]()
    keep(await startRegistry({ listen: registry.endpoint }))
  })

  it('lists 10,000 keys and takes a burst of puts with watchers', async () => {
    const etcd = keep(new RawEtcd(keep(await startRegistry()).endpoint))
    const watches = Array.from({ length: 5 }, () => etcd.watch())
    for (const watch of watches) await watch.create({ key: '/ns/', range_end: '/ns0' })
    const pair = (index: number) => ({ key: `/ns/web/${index}`, value: 'x'.repeat(150) })
    for (let from = 0; from < 10_000; from += 100) {
      const success = Array.from({ length: 100 }, (_, offset) => ({ request_put: pair(from + offset) }))
      await etcd.call('Txn', { success })
    }
    const listed = await etcd.call('Range', { key: '/ns/', range_end: '/ns0' })
    expect(listed['kvs']).toHaveLength(10_000)
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => etcd.call('Put', pair(index))))
    for (const watch of watches) {
      let events = 0
      while (events < 11_000) events += ((await watch.next())['events'] as unknown[]).length
      expect(events).toBe(11_000)
      watch.close()
    }
  })
})

describe('parseListen', () => {
  it.each([
    ['2379', { host: '127.0.0.1', port: 2379 }],
    [':0', { host: '127.0.0.1', port: 0 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
  ])('reads %s', (text, expected) => expect(parseListen(text)).toEqual(expected))

  it.each(['', '127.0.0.1', ':', 'a:b', '[::1', '[fe80]:1', '1.2.3.4:65536', 'http://a:1', 'a b:1'])(
    'refuses %j',
    (text) => expect(() => parseListen(text)).toThrow('bad listen address'),
  )
})
