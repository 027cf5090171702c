import { expect, it } from 'vitest'
import { deregister } from '../../src/core/registry/deregister.js'
import { createRegistrar } from '../../src/core/registry/registrar.js'
import { setRecord } from '../../src/core/registry/set-record.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { openEtcdStore } from '../../src/core/registry/etcd/index.js'
import { startRegistry } from '../../src/testing.js'

it('forty who set one record at once all get through, and so does who takes it out meanwhile', async () => {
  const registry = await startRegistry()
  const store = openEtcdStore({ endpoints: [registry.endpoint] }, systemRuntime)
  const registrar = createRegistrar(store, {}, systemRuntime)
  try {
    const registration = await registrar.register('web', '10.0.0.5:80')
    const names = Array.from({ length: 40 }, (_, i) => `k${i}`)
    const set = (name: string) =>
      setRecord(store, '/ns', 'web', '10.0.0.5:80', { meta: { [name]: 'v' } }, systemRuntime, { timeoutMs: 30_000 })
    await Promise.all(names.map(set))
    await expect.poll(() => Object.keys(registration.endpoint.meta).sort()).toEqual([...names].sort())

    const late = Promise.allSettled(names.map(set))
    expect(await deregister(store, '/ns', 'web', 'all', systemRuntime)).toEqual(['10.0.0.5:80'])
    expect(await registration.closed).toEqual({ how: 'deregistered' })
    await late
    expect((await store.list('/ns/web/')).entries).toEqual([])
  } finally {
    await registrar.close()
    await store.close()
    await registry.close()
  }
}, 60_000)
