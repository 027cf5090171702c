import { expect, it } from 'vitest'
import { DiscoveryRecord } from '../../../src/core/control-plane/xds/discovery-record.js'
import { LoadRecord } from '../../../src/core/control-plane/xds/load-record.js'
import { ManualClock } from '../../support/manual-clock.js'

it('counts the load of so many services of a stream, and goes on with those', () => {
  const record = new LoadRecord('client', new ManualClock())
  const load = { requests: 2, failed: 1, dropped: 0 }
  for (let round = 0; round < 2; round++) for (let i = 0; i < 500; i++) record.add(`s${i}`, load)
  const read = record.read().load
  expect(read).toHaveLength(100)
  expect(read.at(-1)).toEqual(['s99', { requests: 4, failed: 2, dropped: 0 }])
})

it('keeps the last refusal of a stream, and some of the resources that it is of', async () => {
  const clock = new ManualClock()
  const record = new DiscoveryRecord('client', clock)
  const resources = Array.from({ length: 500 }, (_, i) => `s${i}`)
  record.refused('Cluster', { kind: 'nack', reason: 'first', resources })
  await clock.advance(1000)
  record.refused('Listener', { kind: 'nack', reason: 'second', resources })
  expect(record.read()).toMatchObject({
    ...{ client: 'client', subscriptions: [] },
    lastNack: { at: clock.wall(), type: 'Listener', reason: 'second', resources: resources.slice(0, 5) },
  })
})
