import { describe } from 'vitest'
import { startRegistry } from '../../../src/testing.js'
import { describeEtcdApi } from '../../contracts/etcd-api.contract.js'

describe('the in-memory registry', () => describeEtcdApi(() => startRegistry()))
