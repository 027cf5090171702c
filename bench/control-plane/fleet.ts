import { encodeRecord } from '../../src/core/registry/record.js'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import type { Store } from '../../src/core/registry/store.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { RUN_JS, startRegistryProcess } from '../support/cli.js'
import { type Started, startProcess } from '../support/processes.js'

/** etcd takes 128 operations in a transaction. */
const BATCH = 100

/** A registry in a process of its own, to be filled with services. */
export interface Fleet {
  /** Registers so many endpoints of a service. */
  fill(service: string, endpoints: number): Promise<void>
  /** Gives the first endpoint of a service another weight. */
  reweigh(service: string, weight: number): Promise<void>
  /** `fairlead serve` with this protocol on a free port, in a process of its own. */
  serve(protocol: 'grpclb' | 'xds'): Promise<Started>
  close(): Promise<void>
}

export async function startFleet(): Promise<Fleet> {
  const registry = await startRegistryProcess()
  const store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
  return {
    fill: (service, endpoints) => putAll(store, service, endpoints),
    reweigh: async (service, weight) => void (await store.txn({ then: [put(service, 0, weight)] })),
    serve: (protocol) =>
      startProcess(
        process.execPath,
        [RUN_JS, 'serve', `--${protocol}`, '127.0.0.1:0', '--endpoints', registry.endpoint, '-o', 'ndjson'],
        { read: (line) => Number((JSON.parse(line) as { listen: string }).listen.split(':').at(-1)) },
      ),
    async close() {
      await store.close()
      await registry.close()
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
