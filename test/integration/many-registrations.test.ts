import { afterEach, describe, expect, it } from 'vitest'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import { KeyLayout } from '../../src/core/registry/keys.js'
import { RECORDS_PER_LEASE } from '../../src/core/registry/lease-pool.js'
import { createRegistrar } from '../../src/core/registry/registrar.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { startRegistry } from '../../src/testing.js'
import { eventually } from '../support/eventually.js'
import { describeWithPeers } from '../support/peers.js'
import { startRealEtcd } from '../support/real-etcd.js'

const COUNT = RECORDS_PER_LEASE + 30
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function manyRegistrations(endpoint: string) {
  const store = openEtcdStore({ endpoints: [endpoint] }, systemRuntime)
  closing.push(() => store.close())
  const registrar = createRegistrar(store, {}, systemRuntime)
  closing.push(() => registrar.close())
  const addresses = Array.from({ length: COUNT }, (_, i) => `10.0.0.${i}:80`)
  const registrations = await Promise.all(addresses.map((address) => registrar.register('web', address)))
  const entries = async () => (await store.list(new KeyLayout().records('web'))).entries
  expect(new Set((await entries()).map(({ lease }) => lease)).size).toBe(2)

  const [first, second] = registrations
  await first!.close()
  expect((await entries()).map(({ key }) => key)).toEqual(
    addresses
      .slice(1)
      .map((address) => `/ns/web/${address}`)
      .sort(),
  )
  // A lease takes all its records with it, and all come back.
  await store.revokeLease(second!.lease!)
  await eventually(async () => (await entries()).length === COUNT - 1)
  await registrar.close()
  expect(await entries()).toEqual([])
}

describe('many registrations of one process on the registry in memory', () => {
  it('share leases, and one that leaves takes nothing with it', async () => {
    const registry = await startRegistry()
    closing.push(() => registry.close())
    await manyRegistrations(registry.endpoint)
  })
})

describeWithPeers(['etcd'], 'many registrations of one process on etcd', () => {
  it('share leases, and one that leaves takes nothing with it', async () => {
    const etcd = await startRealEtcd()
    closing.push(() => etcd.close())
    await manyRegistrations(etcd.endpoint)
  })
})
