import type { Runtime } from '../../runtime.js'
import { KvEngine } from './kv-engine.js'
import { LeaseTable } from './lease-table.js'
import type { Header } from './messages.js'
import { MvccStore, singleKey, type StoreLimits } from './mvcc-store.js'
import { WatchHub } from './watch-hub.js'

/** A new registry is an election won once. */
const RAFT_TERM = 2

/** The state of one in-memory registry: a cluster of one member with an identity of its own. */
export interface RegistryState {
  readonly store: MvccStore
  readonly kv: KvEngine
  readonly leases: LeaseTable
  readonly hub: WatchHub
  readonly memberId: string
  readonly raftTerm: number
  /** The header of an answer about `revision`, default the current one. */
  header(revision?: number): Header
}

export function createRegistryState(limits: StoreLimits, { clock, random }: Runtime): RegistryState {
  const clusterId = randomId(random.next)
  const memberId = randomId(random.next)
  const leases = new LeaseTable(clock, random, (keys) => {
    store.write((transaction) => {
      for (const key of keys) transaction.deleteRange(singleKey(key))
    })
  })
  const store = new MvccStore(limits, leases)
  const header = (revision = store.revision): Header => ({
    cluster_id: clusterId,
    member_id: memberId,
    raft_term: RAFT_TERM,
    revision,
  })
  const hub = new WatchHub(store, header, clock, setImmediate)
  return { store, kv: new KvEngine(store, leases), leases, hub, memberId, raftTerm: RAFT_TERM, header }
}

/** A random id of 64 bits that is not 0. */
function randomId(next: () => number): string {
  const word = () => BigInt(Math.floor(next() * 2 ** 32))
  return ((word() << 32n) | word() | 1n).toString()
}
