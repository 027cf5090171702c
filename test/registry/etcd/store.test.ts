import { startRegistry } from '../../../src/testing.js'
import { describeStore } from '../../contracts/store.contract.js'
import { storeUnderTest } from '../../support/etcd-stores.js'

describeStore('etcd3 on the embedded registry', async () => {
  const registry = await startRegistry()
  return storeUnderTest(registry.endpoint, () => registry.close())
})
