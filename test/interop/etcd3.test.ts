import { once } from 'node:events'
import { Etcd3, EtcdLeaseInvalidError, type IKeyValue } from 'etcd3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRegistry, type TestRegistry } from '../../src/testing.js'

describe('the etcd3 package on the in-memory registry', () => {
  let registry: TestRegistry
  let client: Etcd3
  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterAll(() => registry.close())
  beforeEach(() => {
    client = new Etcd3({ hosts: registry.endpoint })
  })
  afterEach(() => client.close())

  it('puts, gets, counts, lists and deletes', async () => {
    await client.put('kv/a').value('1')
    await client.put('kv/b').value('2')
    expect(await client.get('kv/a').string()).toBe('1')
    expect(await client.get('kv/none').string()).toBeNull()
    expect(await client.getAll().prefix('kv/').strings()).toEqual({ 'kv/a': '1', 'kv/b': '2' })
    expect(await client.getAll().prefix('kv/').sort('Key', 'Descend').limit(1).keys()).toEqual(['kv/b'])
    expect(await client.getAll().prefix('kv/').count()).toBe(2)
    expect(await client.delete().prefix('kv/')).toMatchObject({ deleted: '2' })
  })

  it('commits transactions', async () => {
    const create = () => client.if('txn', 'Create', '==', 0).then(client.put('txn').value('1')).commit()
    expect((await create()).succeeded).toBe(true)
    expect((await create()).succeeded).toBe(false)
  })

  it('watches', async () => {
    const watcher = await client.watch().prefix('watch/').withPreviousKV().create()
    const seen: string[] = []
    const done = new Promise<void>((resolve) => {
      watcher.on('put', (kv: IKeyValue) => seen.push(`put ${kv.key.toString()}=${kv.value.toString()}`))
      watcher.on('delete', (kv: IKeyValue, previous?: IKeyValue) => {
        seen.push(`delete ${kv.key.toString()} was ${previous?.value.toString()}`)
        resolve()
      })
    })
    await client.put('watch/a').value('1')
    await client.delete().key('watch/a')
    await done
    expect(seen).toEqual(['put watch/a=1', 'delete watch/a was 1'])
    await watcher.cancel()
  })

  it('keeps leases and hears of their loss', async () => {
    const lease = client.lease(3)
    await lease.put('lease/a').value('1')
    const id = await lease.grant()
    expect(await client.leaseClient.leaseTimeToLive({ ID: id, keys: true })).toMatchObject({ grantedTTL: '3' })
    await lease.keepaliveOnce()
    await client.leaseClient.leaseRevoke({ ID: id })
    expect(await client.get('lease/a').exists()).toBe(false)
    lease.on('lost', () => undefined)
    await expect(lease.keepaliveOnce()).rejects.toBeInstanceOf(EtcdLeaseInvalidError)
  })

  it('locks and elects', async () => {
    const lock = client.lock('lock')
    await lock.acquire()
    await expect(client.lock('lock').acquire()).rejects.toThrow('Failed to acquire a lock')
    await lock.release()
    const campaign = client.election('election').campaign('me')
    await once(campaign, 'elected')
    expect(await client.election('election').leader()).toBe('me')
    await campaign.resign()
  })
})
