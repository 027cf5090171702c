import { Etcd3 } from 'etcd3'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import { systemRuntime } from '../../src/core/runtime.js'
import type { StoreUnderTest } from '../contracts/store.contract.js'

/** The etcd store on a registry that listens at `endpoint`; closing it ends the registry too. */
export function storeUnderTest(endpoint: string, closeRegistry: () => Promise<void>): StoreUnderTest {
  const openAnother = () => openEtcdStore({ endpoints: [endpoint] }, systemRuntime)
  const store = openAnother()
  return {
    store,
    openAnother,
    async compact(revision) {
      const client = new Etcd3({ hosts: endpoint })
      await client.kv.compact({ revision: String(revision), physical: true })
      client.close()
    },
    async close() {
      await store.close()
      await closeRegistry()
    },
  }
}
