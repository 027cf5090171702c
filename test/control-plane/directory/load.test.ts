import { expect, it, onTestFinished } from 'vitest'
import { createDirectory } from '../../../src/core/control-plane/directory/directory.js'
import type { ServiceView } from '../../../src/core/control-plane/directory/contract.js'
import { createDataPlaneResolver } from '../../../src/core/discovery/data-plane-resolver.js'
import { createResolver } from '../../../src/core/discovery/resolver.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { eventually } from '../../support/eventually.js'
import { startLoadReporter } from '../../support/load-reporter.js'
import { FakeStore } from '../../support/fake-store.js'
import { setUpDirectory } from './setup.js'

const config = (fields: object) => JSON.stringify({ loadBalancingConfig: [{ weighted_round_robin: fields }] })

it('weighs by the load figures of records, while clients send something or do not tell', async () => {
  const { directory, store, put, follow, pass } = setUpDirectory()
  store.write(['/ns/.config/web', config({ blackoutPeriod: '1s' })])
  put('10.0.0.1:80', { load: 0.8 })
  put('10.0.0.2:80', { load: 0.4 })
  const { views } = follow()
  const weights = () => views.at(-1)!.endpoints.map(({ weight }) => weight)
  await pass(500)
  expect(weights()).toEqual([1, 1])
  await pass(3000)
  const [first, second] = weights()
  expect(second).toBe(1000)
  expect(first).toBeLessThan(900)
  // They have reported, and no more since.
  directory.countLoad('web', { requests: 1, failed: 0, dropped: 0 })
  await pass(60_000)
  const known = weights()
  put('10.0.0.1:80', { load: 0.95 })
  await pass(5000)
  expect(weights()).toEqual(known)
  directory.countLoad('web', { requests: 1000, failed: 2, dropped: 1 })
  await pass(5000)
  expect(weights()[0]).toBeLessThan(known[0]!)
  expect(directory.read().services[0]!.load).toEqual({ requests: 1001, failed: 2, dropped: 1 })
})

it('weighs by the reports that it asks endpoints for', async () => {
  const reporters = await Promise.all([100, 300].map((rps) => startLoadReporter(rps)))
  onTestFinished(() => reporters.forEach((reporter) => reporter.close()))
  const ports = reporters.map(({ port }) => port)
  const store = new FakeStore()
  const fields = {
    enableOobLoadReport: true,
    oobReportingPeriod: '0.1s',
    blackoutPeriod: '0s',
    weightUpdatePeriod: '0.1s',
  }
  store.write(['/ns/.config/web', config(fields)])
  for (const port of ports) store.write([`/ns/web/127.0.0.1:${port}`, ''])
  const registry = createResolver(store, {}, systemRuntime)
  const directory = createDirectory(
    {},
    {
      resolver: createDataPlaneResolver(registry, {}, systemRuntime),
      events: (signal) => registry.events(undefined, signal),
      knownServices: undefined,
    },
    systemRuntime,
  )
  onTestFinished(() => directory.close())
  let view: ServiceView | undefined
  directory.follow('web', (seen) => (view = seen))
  await eventually(() => {
    const weights = new Map(view!.endpoints.map(({ port, weight }) => [port, weight]))
    expect(ports.map((port) => weights.get(port))).toEqual([333, 1000])
  })
})
