import { afterEach, describe, expect, it } from 'vitest'
import type { DataPlaneResolver } from '../../../src/core/discovery/data-plane-resolver.js'
import type { Resolution } from '../../../src/core/discovery/resolution.js'
import { FairleadError } from '../../../src/core/errors.js'
import type { FromWorker } from '../../../src/core/proxy/workers/messages.js'
import { RemoteResolver } from '../../../src/core/proxy/workers/remote-resolver.js'
import { SnapshotRelay } from '../../../src/core/proxy/workers/snapshot-relay.js'
import { silentLogger } from '../../../src/core/runtime.js'
import { ManualClock } from '../../support/manual-clock.js'
import { seededRandom } from '../../support/seeded-random.js'
import { cleanUp, HandResolver } from '../support.js'

afterEach(cleanUp)

const turn = () => new Promise((resolve) => setImmediate(resolve))
const unavailable = new FairleadError('UNAVAILABLE', 'no registry endpoint answered', { hint: 'start one' })

/** A primary and its workers, joined by messages that are taken when the test says so. */
function join(resolver: DataPlaneResolver, { slow = false } = {}) {
  const clock = new ManualClock()
  const relay = new SnapshotRelay(resolver, { clock, random: seededRandom(1), log: silentLogger })
  const sent: FromWorker[] = []
  const taken: (() => void)[] = []
  const worker = () => {
    const subscriptions = new Map<string, () => void>()
    const remote: RemoteResolver = new RemoteResolver((message) => {
      sent.push(message)
      if (message.type === 'resolve') {
        const { service } = message
        const unsubscribe = relay.subscribe(service, (resolution, done) => {
          const copy = structuredClone(resolution)
          queueMicrotask(() => remote.receive(service, copy))
          if (slow) taken.push(done)
          else queueMicrotask(done)
        })
        subscriptions.set(service, unsubscribe)
      }
      if (message.type === 'release') subscriptions.get(message.service)!()
      if (message.type === 'disprove') relay.disprove(message.service, message.address)
    }, clock)
    return remote
  }
  return { clock, sent, taken, worker }
}

/** Reads a service into a list until the returned function is called. */
function read(resolver: DataPlaneResolver, service = 'web') {
  const end = new AbortController()
  const seen: Resolution[] = []
  const over = (async () => {
    for await (const resolution of resolver.resolve(service, end.signal)) seen.push(resolution)
  })()
  const addresses = () =>
    seen.map((r) => (r.kind === 'snapshot' ? r.snapshot.endpoints.map(({ address }) => address).join() : r.kind))
  const stop = () => {
    end.abort()
    return over
  }
  return { seen, addresses, over, stop }
}

describe('resolutions between processes', () => {
  it('carry snapshots and outages, to readers that come later too', async () => {
    const resolver = new HandResolver()
    const { worker, clock } = join(resolver)
    const first = read(worker())
    resolver.set('10.0.0.5:80@3')
    await turn()
    clock.jump(500)
    resolver.lose(unavailable)
    await turn()
    expect(first.addresses()).toEqual(['10.0.0.5:80', 'stale'])
    expect(first.seen[0]).toMatchObject({ snapshot: { service: 'web', revision: 1n, endpoints: [{ weight: 3 }] } })
    expect(first.seen[1]).toMatchObject({ since: 0, error: { code: 'UNAVAILABLE', message: unavailable.message } })
    const late = read(worker())
    await turn()
    expect(late.addresses()).toEqual(['10.0.0.5:80', 'stale'])
    resolver.set('10.0.0.6:80')
    await turn()
    expect(late.addresses().at(-1)).toBe('10.0.0.6:80')
    expect(first.addresses().at(-1)).toBe('10.0.0.6:80')
  })

  it('ask for a service once, however many of a worker read it, and let go of it after the last', async () => {
    const resolver = new HandResolver()
    let watches = 0
    const counted: DataPlaneResolver = {
      async *resolve(service, signal) {
        watches++
        yield* resolver.resolve(service, signal)
        watches--
      },
      disprove: (...args) => resolver.disprove(...args),
    }
    const { worker, sent } = join(counted)
    const remote = worker()
    const readers = [read(remote), read(remote)]
    resolver.set('10.0.0.5:80')
    await turn()
    expect(readers.map((reader) => reader.addresses())).toEqual([['10.0.0.5:80'], ['10.0.0.5:80']])
    expect(sent).toEqual([{ type: 'resolve', service: 'web' }])
    await readers[0]!.stop()
    expect(watches).toBe(1)
    await readers[1]!.stop()
    await turn()
    expect(sent.at(-1)).toEqual({ type: 'release', service: 'web' })
    expect(watches).toBe(0)
    remote.disprove('web', '10.0.0.5:80')
    expect(resolver.disproved).toEqual(['10.0.0.5:80'])
  })

  it('hold only the latest for a process that is slow', async () => {
    const resolver = new HandResolver()
    const { worker, taken } = join(resolver, { slow: true })
    const reader = read(worker())
    for (const port of [1, 2, 3, 4]) {
      resolver.set(`10.0.0.5:${port}`)
      await turn()
    }
    expect(reader.addresses()).toEqual(['10.0.0.5:1'])
    taken.shift()!()
    await turn()
    expect(reader.addresses()).toEqual(['10.0.0.5:1', '10.0.0.5:4'])
    expect(taken).toHaveLength(1)
  })

  it('carry the error of a service that cannot be resolved', async () => {
    const failing: DataPlaneResolver = {
      // eslint-disable-next-line require-yield
      async *resolve() {
        throw new FairleadError('INVALID_ARGUMENT', 'bad service name')
      },
      disprove() {},
    }
    const { worker } = join(failing)
    await expect(read(worker()).over).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: 'bad service name' })
  })

  it('refuse what is no snapshot of the service', async () => {
    const remote = new RemoteResolver(() => {}, new ManualClock())
    const reader = read(remote)
    remote.receive('db', { kind: 'snapshot', text: '{}' })
    remote.receive('web', { kind: 'snapshot', text: '{}' })
    await expect(reader.over).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
