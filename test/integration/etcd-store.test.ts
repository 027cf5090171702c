import { describeStore } from '../contracts/store.contract.js'
import { storeUnderTest } from '../support/etcd-stores.js'
import { describeWithPeers } from '../support/peers.js'
import { startRealEtcd } from '../support/real-etcd.js'

describeWithPeers(['etcd'], 'etcd', () => {
  describeStore('etcd3 on etcd', async () => {
    const etcd = await startRealEtcd()
    return storeUnderTest(etcd.endpoint, () => etcd.close())
  })
})
