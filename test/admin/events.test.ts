import { describe, expect, it } from 'vitest'
import { EndpointChanges } from '../../src/core/admin/proxy/endpoint-changes.js'
import { EventFeed } from '../../src/core/admin/proxy/event-feed.js'
import { EventLog, KEPT_EVENTS } from '../../src/core/admin/event-log.js'
import type { ProxySource } from '../../src/core/admin/proxy/source.js'
import type { ProxyEvent } from '../../src/core/proxy/events.js'
import type { ListenerReading } from '../../src/core/proxy/reading.js'
import { silentLogger } from '../../src/core/runtime.js'
import { ManualClock } from '../support/manual-clock.js'
import { endpointReading, listenerReading } from '../support/readings.js'
import { seededRandom } from '../support/seeded-random.js'

describe('what became of endpoints', () => {
  const [a, b, c] = [endpointReading('a'), endpointReading('b', { zone: 'x' }), endpointReading('c')] as const

  it('is told from one reading to the next', () => {
    const changes = new EndpointChanges()
    expect(changes.take([listenerReading([a, b])])).toEqual([])
    const place = { listen: 'tcp://127.0.0.1:1', service: 'web', weight: 3, zone: null, state: 'ready' }
    const later = listenerReading([{ ...a, weight: 5, state: 'drain' }, c])
    expect(changes.take([later])).toEqual([
      { ...place, event: 'changed', address: 'a', weight: 5, state: 'drain', before: { weight: 3, state: 'ready' } },
      { ...place, event: 'joined', address: 'c' },
      { ...place, event: 'left', address: 'b', zone: 'x' },
    ])
    expect(changes.take([later])).toEqual([])
  })

  it('is that it left as soon as it is no longer in the service, though still in use, and that it joined when it is back', () => {
    const changes = new EndpointChanges()
    changes.take([listenerReading([a])])
    expect(changes.take([listenerReading([{ ...a, state: 'gone' }])])).toMatchObject([{ event: 'left', address: 'a' }])
    expect(changes.take([listenerReading([a])])).toMatchObject([{ event: 'joined', address: 'a' }])
  })

  it('is nothing for those that a listener begins with, and for listeners that end', () => {
    const changes = new EndpointChanges()
    const unknown = { registry: { revision: undefined, changedAt: undefined, stale: undefined } }
    expect(changes.take([listenerReading([], unknown)])).toEqual([])
    expect(changes.take([listenerReading([a])])).toEqual([])
    expect(changes.take([])).toEqual([])
  })
})

describe('the log of events', () => {
  const live = (service: string): ProxyEvent => ({ event: 'live', listen: 'tcp://127.0.0.1:1', service })

  it('numbers events and keeps the last of them for who comes later', () => {
    const log = new EventLog(new ManualClock())
    for (let i = 1; i <= KEPT_EVENTS + 5; i++) log.add(live(`s${i}`))
    const lines: string[] = []
    const unfollow = log.follow(KEPT_EVENTS, ({ text }) => lines.push(text))
    expect(lines).toHaveLength(KEPT_EVENTS)
    expect(JSON.parse(lines[0]!)).toEqual({
      schemaVersion: 1,
      seq: 6,
      time: '2026-01-01T00:00:00.000Z',
      ...live('s6'),
    })
    log.add(live('next'))
    unfollow()
    log.add(live('unheard'))
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ service: 'next', seq: KEPT_EVENTS + 6 })
    expect(lines).toHaveLength(KEPT_EVENTS + 1)
  })

  it('begins with as many past events as are asked for', () => {
    const log = new EventLog(new ManualClock())
    for (const service of ['a', 'b', 'c']) log.add(live(service))
    const begin = (recent: number) => {
      const services: string[] = []
      log.follow(recent, ({ text }) => services.push((JSON.parse(text) as { service: string }).service))
      return services
    }
    expect([begin(0), begin(2), begin(9)]).toEqual([[], ['b', 'c'], ['a', 'b', 'c']])
  })
})

describe('the feed of events', () => {
  function startFeed() {
    const clock = new ManualClock()
    const observers = new Set<(event: ProxyEvent) => void>()
    const told: string[] = []
    let listeners: readonly ListenerReading[] = [listenerReading([endpointReading('a')])]
    let reads = 0
    const source: ProxySource = {
      workers: 1,
      read: async () => listeners,
      configuration: () => ({}),
      subscribe: (observer) => {
        observers.add(observer)
        return () => observers.delete(observer)
      },
    }
    const feed: EventFeed = new EventFeed(source, { clock, random: seededRandom(1), log: silentLogger }, async () => {
      reads++
      feed.seen(listeners)
    })
    feed.log.follow(0, ({ text }) => told.push((JSON.parse(text) as { event: string }).event))
    return {
      ...{ clock, feed, observers, told },
      become: (next: readonly ListenerReading[]) => (listeners = next),
      emit: (event: ProxyEvent['event']) => {
        for (const observer of observers) observer({ event } as ProxyEvent)
      },
      get reads() {
        return reads
      },
    }
  }

  it('looks for what has changed after an event that says that something has, once for a burst of them', async () => {
    const feed = startFeed()
    feed.emit('listening')
    await feed.clock.advance(1000)
    feed.become([listenerReading([endpointReading('a'), endpointReading('b')])])
    const before = feed.reads
    for (let i = 0; i < 20; i++) feed.emit('endpoints')
    await feed.clock.advance(200)
    expect(feed.reads).toBe(before + 1)
    expect(feed.told.at(-1)).toBe('joined')
  })

  it('looks again a little later, for workers that are slower', async () => {
    const feed = startFeed()
    feed.emit('listening')
    await feed.clock.advance(1000)
    feed.emit('endpoints')
    await feed.clock.advance(200)
    feed.become([listenerReading([])])
    await feed.clock.advance(800)
    expect(feed.told).toEqual(['listening', 'endpoints', 'left'])
  })

  it('does not look after what changes nothing, and leaves nothing behind when it is closed', async () => {
    const feed = startFeed()
    feed.emit('live')
    await feed.clock.advance(5000)
    expect(feed.reads).toBe(0)
    feed.emit('endpoints')
    feed.feed.close()
    expect(feed.clock.pending).toBe(0)
    expect(feed.observers.size).toBe(0)
  })
})
