import { describe, expect, it } from 'vitest'
import { Catalog } from '../../../src/core/control-plane/xds/catalog.js'
import { DiscoveryStream } from '../../../src/core/control-plane/xds/discovery-stream.js'
import type { ResourceType } from '../../../src/core/control-plane/xds/resource-type.js'
import { type SotwResponse, SotwSubscription } from '../../../src/core/control-plane/xds/sotw-subscription.js'
import { systemRuntime } from '../../../src/core/runtime.js'
import { FakeDirectory, served, serviceView } from '../support/fake-directory.js'

describe('a stream', () => {
  it('catches up once with all that changes at one moment', async () => {
    const directory = new FakeDirectory()
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`)
    const show = (address: string) => names.forEach((name) => directory.show(serviceView(name, [served(address)])))
    show('10.0.0.1:80')
    let taken = 0
    class CountedSubscription extends SotwSubscription {
      override take(...args: Parameters<SotwSubscription['take']>): SotwResponse | undefined {
        taken++
        return super.take(...args)
      }
    }
    let nonce = 0
    const sent: (readonly [ResourceType, number])[] = []
    const stream = new DiscoveryStream({
      catalog: new Catalog(directory, systemRuntime, false, () => {}),
      traits: { dialect: 'grpc', zone: undefined },
      subscription: (hasWildcard) => new CountedSubscription(hasWildcard, () => String(++nonce)),
      send: (type, { resources }) => void sent.push([type, resources.length]),
      onInterest: () => undefined,
      onVerdict: () => undefined,
    })
    const ask = { resource_names: names, error_detail: null }
    stream.request('ClusterLoadAssignment', { ...ask, response_nonce: '' })
    stream.request('ClusterLoadAssignment', { ...ask, response_nonce: '1' })
    await nextTurn()
    taken = 0
    show('10.0.0.2:80')
    await nextTurn()
    expect(taken).toBe(1)
    expect(sent).toEqual([
      ['ClusterLoadAssignment', 50],
      ['ClusterLoadAssignment', 50],
    ])
    show('10.0.0.3:80')
    stream.close()
    stream.request('ClusterLoadAssignment', { ...ask, response_nonce: '2' })
    await nextTurn()
    expect(sent).toHaveLength(2)
  })
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
