import { describe, expect, it } from 'vitest'
import { createDataPlaneResolver } from '../../src/core/discovery/data-plane-resolver.js'
import { LatestResolution } from '../../src/core/discovery/latest.js'
import type { Resolution } from '../../src/core/discovery/resolution.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import { silentLogger } from '../../src/core/runtime.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

const LIST = '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80'

function setUp() {
  const clock = new ManualClock()
  const sources: LatestResolution[] = []
  const resolver = createDataPlaneResolver(
    {
      resolve(_service, signal) {
        const source = new LatestResolution()
        sources.push(source)
        return source.read(signal)
      },
    },
    { ttlMs: 10_000 },
    { clock, random: seededRandom(1), log: silentLogger },
  )
  const end = new AbortController()

  /** Reads a service to the end; returns the addresses of its last snapshot. */
  function read(service: string): () => string[] {
    let last: Resolution | undefined
    void (async () => {
      for await (const resolution of resolver.resolve(service, end.signal)) last = resolution
    })()
    return () => (last?.kind === 'snapshot' ? last.snapshot.endpoints.map(({ address }) => address) : [])
  }
  const offer = async (source: LatestResolution, list: string) => {
    const endpoints = list === '' ? [] : parseStaticEndpoints(list)
    source.offer({
      kind: 'snapshot',
      snapshot: { service: 'web', revision: 1n, endpoints, skipped: [] },
      departed: new Set(),
    })
    await settle()
  }
  return { clock, resolver, sources, end, read, offer }
}

describe('a data-plane resolver', () => {
  it('holds what expires together, for one TTL', async () => {
    const { clock, sources, end, read, offer } = setUp()
    const seen = read('web')
    await settle()
    await offer(sources[0]!, LIST)
    await offer(sources[0]!, '')
    expect(seen()).toEqual(LIST.split(','))
    await clock.advance(10_000)
    expect(seen()).toEqual([])
    end.abort()
  })

  it('lets a held address go for every reader of its service, and of that service only', async () => {
    const { resolver, sources, end, read, offer } = setUp()
    const seen = [read('web'), read('web'), read('api')]
    await settle()
    for (const source of sources) {
      await offer(source, LIST)
      await offer(source, '')
    }
    resolver.disprove('web', '10.0.0.2:80')
    await settle()
    expect(seen.map((addresses) => addresses().length)).toEqual([2, 2, 3])
    end.abort()
  })

  it('leaves alone what the registry lists', async () => {
    const { resolver, sources, end, read, offer } = setUp()
    const seen = read('web')
    await settle()
    await offer(sources[0]!, LIST)
    resolver.disprove('web', '10.0.0.2:80')
    resolver.disprove('unknown', '10.0.0.2:80')
    await settle()
    expect(seen()).toEqual(LIST.split(','))
    end.abort()
  })
})
