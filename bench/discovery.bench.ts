import { createBalancer } from '../src/core/balancer/balancer.js'
import { createResolver } from '../src/core/discovery/resolver.js'
import type { Snapshot } from '../src/core/model/snapshot.js'
import { encodeRecord } from '../src/core/registry/record.js'
import { openEtcdStore } from '../src/core/registry/etcd/index.js'
import type { Store } from '../src/core/registry/store.js'
import { systemRuntime } from '../src/core/runtime.js'
import { startRegistryProcess } from './support/cli.js'
import { type Benchmark, quantile, row } from './support/shape.js'

const ENDPOINTS = 10_000
const PUTS_PER_ROUND = 200
const BURST = 1000
/** etcd takes 128 operations in a transaction. */
const BATCH = 100

/** From the registry to a picker, against the in-memory registry in a process of its own. */
const benchmark: Benchmark = {
  name: 'discovery',
  async run({ rounds, progress }) {
    const registry = await startRegistryProcess()
    const store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
    const [listed, delays, rebuilds]: [number[], number[], number[]] = [[], [], []]
    try {
      await putAll(store, 'large', ENDPOINTS)
      await putAll(store, 'small', 3)
      for (let round = 1; round <= rounds; round++) {
        progress(`round ${round} of ${rounds}`)
        listed.push(await timeToPicker(store))
        delays.push(await putToPicker(store))
        rebuilds.push(await rebuildsOfBurst(store, round))
      }
    } finally {
      await store.close()
      await registry.close()
    }
    return [
      row(`list and build, ${ENDPOINTS.toLocaleString('en-US')} endpoints`, listed, { unit: 'ms', goal: 250 }),
      row('put to picker, p99', delays, { unit: 'ms', goal: 20, note: `${PUTS_PER_ROUND} puts a round` }),
      row(`rebuilds for ${BURST.toLocaleString('en-US')} changes at once`, rebuilds, { unit: '', goal: 100 }),
    ]
  },
}

export default benchmark

/** From the question to a balancer that has picked, milliseconds. */
async function timeToPicker(store: Store): Promise<number> {
  const begin = performance.now()
  const follower = follow(store, 'large')
  await follower.until((snapshot) => snapshot.endpoints.length === ENDPOINTS)
  const elapsed = performance.now() - begin
  await follower.close()
  return elapsed
}

/** The 99th percentile from sending a put to a balancer that has it, milliseconds. */
async function putToPicker(store: Store): Promise<number> {
  const follower = follow(store, 'small')
  await follower.until(() => true)
  const delays: number[] = []
  for (let i = 0; i < PUTS_PER_ROUND; i++) {
    const weight = 1 + (i % 2)
    const begin = performance.now()
    const seen = follower.until(({ endpoints }) => endpoints[0]?.weight === weight)
    await store.txn({ then: [put('small', 0, weight)] })
    await seen
    if (i > 0) delays.push(performance.now() - begin)
  }
  await follower.close()
  return quantile(
    delays.sort((a, b) => a - b),
    0.99,
  )
}

/** How often the balancer is rebuilt while so many endpoints change, each in a transaction of its own. */
async function rebuildsOfBurst(store: Store, round: number): Promise<number> {
  const follower = follow(store, 'large')
  await follower.until(() => true)
  const before = follower.updates
  const weight = 1 + round
  await Promise.all(Array.from({ length: BURST }, (_, i) => store.txn({ then: [put('large', i, weight)] })))
  await follower.until(({ endpoints }) => endpoints.filter((endpoint) => endpoint.weight === weight).length === BURST)
  const rebuilds = follower.updates - before
  await follower.close()
  return rebuilds
}

/** A balancer that follows a service; `until` resolves when it was built from a snapshot like that. */
function follow(store: Store, service: string) {
  const stop = new AbortController()
  const balancer = createBalancer({}, systemRuntime)
  let latest: Snapshot | undefined
  let updates = 0
  let wake = () => {}
  const followed = (async () => {
    for await (const resolution of createResolver(store, {}, systemRuntime).resolve(service, stop.signal)) {
      if (resolution.kind !== 'snapshot') continue
      balancer.update(resolution.snapshot)
      latest = resolution.snapshot
      updates++
      wake()
    }
  })()
  return {
    get updates() {
      return updates
    },
    async until(wanted: (snapshot: Snapshot) => boolean): Promise<void> {
      while (latest === undefined || !wanted(latest)) await new Promise<void>((resolve) => (wake = resolve))
      balancer.pick({}).done({ ok: true })
    },
    async close(): Promise<void> {
      stop.abort()
      await followed
    },
  }
}

async function putAll(store: Store, service: string, count: number): Promise<void> {
  for (let first = 0; first < count; first += BATCH) {
    const length = Math.min(BATCH, count - first)
    await store.txn({ then: Array.from({ length }, (_, i) => put(service, first + i, 1)) })
  }
}

function put(service: string, index: number, weight: number) {
  const host = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
  const address = `${host}:8080`
  const endpoint = { id: `id-${index}`, address, host, port: 8080, weight, zone: 'a', meta: { version: '1.4' } }
  const value = encodeRecord({ ...endpoint, state: 'ready', role: 'server' })
  return { type: 'put', key: `/ns/${service}/${address}`, value } as const
}
