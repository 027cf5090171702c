import { describe, expect, it } from 'vitest'
import type { Directory, ServiceView } from '../../../src/core/control-plane/directory/contract.js'
import { Catalog, type CatalogReader } from '../../../src/core/control-plane/xds/catalog.js'
import { ServiceResources } from '../../../src/core/control-plane/xds/resources/service-resources.js'
import { FairleadError } from '../../../src/core/errors.js'
import { type LogFields, silentLogger } from '../../../src/core/runtime.js'
import { seededRandom } from '../../support/seeded-random.js'
import { ManualClock } from '../../support/manual-clock.js'
import { FakeDirectory, served, serviceView } from '../support/fake-directory.js'

class Reader {
  readonly told: string[] = []
  changed = (service: string) => void this.told.push(service)
  namesChanged = () => void this.told.push('*')
}

/** Follows nothing while it is full. */
class FullDirectory extends FakeDirectory {
  full = true
  code: 'REFUSED' | 'UNAVAILABLE' = 'REFUSED'

  override follow(service: string, observer: (view: ServiceView) => void): () => void {
    if (this.full) throw new FairleadError(this.code, 'too many services are followed')
    return super.follow(service, observer)
  }
}

function catalogOf(directory: Directory, warn = (_message: string, _fields?: LogFields) => {}) {
  const clock = new ManualClock()
  const runtime = { clock, random: seededRandom(1), log: { ...silentLogger, warn } }
  return { catalog: new Catalog(directory, runtime, true, () => {}), clock }
}

const web = serviceView('web', [served('10.0.0.1:80')])

describe('the catalog of services', () => {
  it('follows a service once, however many are interested, and as long as somebody is', () => {
    const directory = new FakeDirectory()
    const { catalog } = catalogOf(directory)
    const [a, b] = [new Reader(), new Reader()]
    catalog.follow('web', a)
    catalog.follow('web', b)
    expect([directory.followers('web'), catalog.find('web')]).toEqual([1, 'pending'])
    directory.show(web)
    expect([a.told, b.told]).toEqual([['web'], ['web']])
    expect(catalog.find('web')).toBeInstanceOf(ServiceResources)
    catalog.unfollow('web', a)
    directory.show(serviceView('web', [], { exists: false }))
    expect([a.told.length, b.told.length, catalog.find('web')]).toEqual([1, 2, 'absent'])
    catalog.unfollow('web', b)
    catalog.unfollow('web', b)
    expect([directory.followers('web'), catalog.find('web')]).toEqual([0, 'pending'])
  })

  it('takes a service that the directory refuses to follow for one that does not exist, and asks again later', async () => {
    const directory = new FullDirectory()
    directory.show(web)
    const { catalog, clock } = catalogOf(directory)
    const reader = new Reader()
    catalog.follow('web', reader)
    catalog.follow('gone', reader)
    expect(catalog.find('web')).toBe('absent')
    catalog.unfollow('gone', reader)
    directory.full = false
    await clock.advance(30_000)
    expect(reader.told).toEqual(['web'])
    expect(catalog.find('web')).toBeInstanceOf(ServiceResources)
    expect([directory.followers('gone'), clock.pending]).toEqual([0, 0])
  })

  it('says of none that it does not exist before that is known, and asks again soon', async () => {
    const directory = new FullDirectory()
    directory.code = 'UNAVAILABLE'
    directory.show(web)
    const { catalog, clock } = catalogOf(directory)
    const reader = new Reader()
    catalog.follow('web', reader)
    expect(catalog.find('web')).toBe('pending')
    await clock.advance(1000)
    directory.full = false
    await clock.advance(1000)
    expect(reader.told).toEqual(['web'])
  })

  it('follows nothing that its last reader gives up on hearing what there is', async () => {
    const directory = new FullDirectory()
    directory.show(web)
    const { catalog, clock } = catalogOf(directory)
    const reader: CatalogReader = { changed: (service) => catalog.unfollow(service, reader) }
    catalog.follow('web', reader)
    directory.full = false
    await clock.advance(30_000)
    expect([directory.followers('web'), catalog.find('web')]).toEqual([0, 'pending'])
  })

  it('says once what is wrong with a config, and again when something else is', () => {
    const directory = new FakeDirectory()
    const warnings: string[] = []
    const { catalog } = catalogOf(directory, (message) => void warnings.push(message))
    catalog.follow('web', new Reader())
    const show = (circuitBreakers: unknown, address: string) => {
      directory.show(serviceView('web', [served(address)], { serviceConfig: { circuitBreakers } }))
      const known = catalog.find('web') as ServiceResources
      known.cluster({ dialect: 'grpc', zone: undefined })
      known.cluster({ dialect: 'envoy', zone: undefined })
    }
    show({ maxRequests: 'many' }, '10.0.0.1:80')
    show({ maxRequests: 'many' }, '10.0.0.2:80')
    show({ maxRetries: -1 }, '10.0.0.2:80')
    expect(warnings).toEqual([expect.stringContaining('maxRequests'), expect.stringContaining('maxRetries')])
  })

  it('follows nothing and tells nobody anything once it is closed', async () => {
    const directory = new FullDirectory()
    const { catalog, clock } = catalogOf(directory)
    const reader = new Reader()
    catalog.follow('refused', reader)
    directory.full = false
    catalog.follow('web', reader)
    catalog.followNames(reader)
    expect(catalog.names).toEqual([])
    const before = reader.told.length
    catalog.close()
    catalog.close()
    catalog.follow('web', reader)
    catalog.followNames(reader)
    directory.show(web)
    await clock.advance(60_000)
    expect([reader.told.length, directory.followers('web'), clock.pending, catalog.names]).toEqual([
      before,
      0,
      0,
      undefined,
    ])
  })
})
