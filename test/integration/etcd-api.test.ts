import { describeEtcdApi } from '../contracts/etcd-api.contract.js'
import { describeWithPeers } from '../support/peers.js'
import { startRealEtcd } from '../support/real-etcd.js'

describeWithPeers(['etcd'], 'a real etcd', () => describeEtcdApi(() => startRealEtcd()))
