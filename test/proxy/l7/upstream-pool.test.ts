import { describe, expect, it } from 'vitest'
import { parseStaticEndpoints } from '../../../src/core/discovery/static-resolver.js'
import {
  ErrorCode,
  type Stream,
  type UpstreamConnection,
  type UpstreamObserver,
} from '../../../src/core/proxy/http/stream.js'
import {
  type PoolContext,
  type PoolOwner,
  ProtocolMismatch,
  UpstreamPool,
  type UpstreamProtocol,
  type Waiter,
} from '../../../src/core/proxy/l7/upstream-pool.js'
import { EndpointMeter } from '../../../src/core/proxy/meters.js'
import { Ticker, ticksOf } from '../../../src/core/proxy/ticker.js'
import type { DialObserver } from '../../../src/core/proxy/transport/transport.js'
import { FakeWire } from '../../support/fake-wire.js'
import { ManualClock } from '../../support/manual-clock.js'

/** A connection with so much room, of which requests take one each. */
class FakeConnection implements UpstreamConnection {
  active = 0
  drained = false
  /** Nothing can be opened yet. */
  silent: boolean
  confirmed = false
  constructor(
    readonly protocol: UpstreamProtocol,
    readonly room: number,
    readonly observer: UpstreamObserver,
    patient: boolean,
  ) {
    this.silent = patient
  }

  get available(): number {
    return this.drained || this.silent ? 0 : this.room - this.active
  }

  /** The endpoint shows that it speaks the protocol. */
  speak(): void {
    this.silent = false
    this.confirmed = true
    this.observer.onAvailability()
  }

  open(): Stream {
    this.active++
    return undefined as never
  }

  /** One of its requests is over. */
  finish(): void {
    this.active--
    this.observer.onAvailability()
  }

  drain(): void {
    this.drained = true
  }

  abort(): void {
    this.observer.onClosed(new Error(`reset ${ErrorCode.CANCEL}`))
  }
}

class FakeWaiter implements Waiter {
  connection: FakeConnection | undefined
  error: Error | undefined

  connected(connection: UpstreamConnection): void {
    this.connection = connection as FakeConnection
    this.connection.open()
  }

  connectFailed(error: Error): void {
    this.error = error
  }
}

function start(
  protocol: UpstreamProtocol,
  room: number,
  limits: Partial<PoolContext['limits']> = {},
  confirmed = true,
) {
  const clock = new ManualClock()
  const dials: DialObserver[] = []
  const connections: FakeConnection[] = []
  let cancelled = 0
  const context: PoolContext = {
    ticker: new Ticker(clock),
    limits: { maxConnections: 10, maxPending: 10, maxRequests: 100, ...limits },
    connectTicks: ticksOf(2000),
    dial(_endpoint, _protocol, observer) {
      dials.push(observer)
      return { cancel: () => void cancelled++ }
    },
    settle: (_endpoint, wanted) => wanted,
    tellMismatch() {},
    converse(_wire, spoken, observer, patient) {
      const connection = new FakeConnection(spoken, room, observer, patient)
      connections.push(connection)
      return connection
    },
  }
  const meter = new EndpointMeter('10.0.0.1:80')
  const heard: string[] = []
  const owner: PoolOwner = {
    mismatched(spoken, certain) {
      heard.push(`${certain ? 'certainly' : 'perhaps'} not ${spoken}`)
      return false
    },
    unreachable: () => void heard.push('unreachable'),
  }
  const endpoint = parseStaticEndpoints('10.0.0.1:80')[0]!
  const pool = new UpstreamPool(endpoint, protocol, confirmed, meter, context, owner)
  /** Sends requests, which wait where there is no room. */
  const ask = (count: number) =>
    Array.from({ length: count }, () => {
      const waiter = new FakeWaiter()
      const connection = pool.take()
      if (connection) waiter.connected(connection)
      else if (!pool.wait(waiter)) waiter.error = new Error('turned away')
      return waiter
    })
  const connect = (i: number) => dials[i]!.connected(new FakeWire())
  return { clock, dials, connections, meter, pool, ask, connect, heard, cancelled: () => cancelled }
}

describe('a pool of connections to an endpoint', () => {
  it('has many requests wait for one connection of HTTP/2, and opens more as that fills', () => {
    const { ask, connect, dials, connections } = start('h2', 3)
    const waiters = ask(4)
    expect(dials.length).toBe(1)
    connect(0)
    expect(waiters.map(({ connection }) => connection === connections[0])).toEqual([true, true, true, false])
    expect(dials.length).toBe(2)
    connect(1)
    expect(waiters[3]!.connection).toBe(connections[1])
    connections[0]!.finish()
    expect(ask(1)[0]!.connection).toBe(connections[0])
  })

  it('takes the connection of HTTP/1.1 that was used last', () => {
    const { ask, connect, connections } = start('h1', 1)
    ask(3)
    for (const i of [0, 1, 2]) connect(i)
    for (const i of [1, 2, 0]) connections[i]!.finish()
    expect(ask(3).map(({ connection }) => connections.indexOf(connection!))).toEqual([0, 2, 1])
  })

  it('hands a connection that comes free to the one who has waited longest', () => {
    const { ask, connect, connections } = start('h1', 1, { maxConnections: 1 })
    const [first, second, third] = ask(3)
    connect(0)
    expect(first!.connection).toBe(connections[0])
    connections[0]!.finish()
    expect([second!.connection, third!.connection]).toEqual([connections[0], undefined])
  })

  it('lets no more wait than allowed, and forgets those who leave', () => {
    const { ask, connect, pool, connections } = start('h2', 5, { maxPending: 2 })
    const [first, second, third] = ask(3)
    expect(third!.error?.message).toBe('turned away')
    pool.leave(first!)
    connect(0)
    expect([first!.connection, second!.connection]).toEqual([undefined, connections[0]])
  })

  it('fails only those whom no other attempt can serve', () => {
    const { ask, dials, meter } = start('h1', 1)
    const waiters = ask(3)
    expect(dials.length).toBe(3)
    dials[1]!.connectFailed(new Error('refused'))
    expect(waiters.map(({ error }) => error?.message)).toEqual(['refused', undefined, undefined])
    expect(meter.connectFailures).toBe(1)
  })

  it('gives an attempt to connect up in time', async () => {
    const { ask, clock, cancelled } = start('h2', 1)
    const [waiter] = ask(1)
    await clock.advance(1900)
    expect(waiter!.error).toBeUndefined()
    await clock.advance(400)
    expect([waiter!.error?.message, cancelled()]).toEqual(['connection attempt timed out', 1])
    expect(clock.pending).toBe(0)
  })

  it('drains when its endpoint leaves, once those who wait are served', () => {
    const { ask, connect, pool, connections, dials } = start('h2', 1)
    const [first, second] = ask(2)
    connect(0)
    pool.drain()
    expect([first!.connection, connections[0]!.drained]).toEqual([connections[0], false])
    connect(1)
    expect(second!.connection).toBe(connections[1])
    expect(connections.map(({ drained }) => drained)).toEqual([true, true])
    expect(dials.length).toBe(2)
  })

  it('keeps count of its connections, and uses none that is closed', () => {
    const { ask, connect, pool, connections, meter } = start('h2', 5)
    ask(1)
    connect(0)
    expect(meter).toMatchObject({ total: 1, active: 1 })
    connections[0]!.drain()
    connections[0]!.abort()
    expect(meter).toMatchObject({ total: 1, active: 0 })
    expect(pool.take()).toBeUndefined()
  })

  it('asks an endpoint that it does not know what it speaks, once, and opens nothing else for those who wait', () => {
    const { ask, connect, pool, connections, dials } = start('h2', 5, {}, false)
    const waiters = ask(3)
    connect(0)
    expect([dials.length, waiters[0]!.connection]).toEqual([1, undefined])
    connections[0]!.speak()
    expect(waiters.map(({ connection }) => connection === connections[0])).toEqual([true, true, true])
    ask(3)
    connect(1)
    expect([pool.confirmed, connections[1]!.silent]).toEqual([true, false])
  })

  it('tells those who wait that the endpoint does not speak the protocol', () => {
    for (const certain of [true, false]) {
      const { ask, connect, connections, heard, pool } = start('h2', 5, {}, false)
      const waiters = ask(2)
      connect(0)
      connections[0]!.observer.onMismatch(certain, 'text')
      expect(waiters.map(({ error }) => error)).toEqual(Array(2).fill(new ProtocolMismatch('text', certain)))
      expect([heard, pool.confirmed]).toEqual([[`${certain ? 'certainly' : 'perhaps'} not h2`], false])
    }
  })

  it('takes a lost connection for nothing but that where the protocol is known, or where it is our doing', () => {
    const known = start('h2', 5)
    known.ask(1)
    known.connect(0)
    known.connections[0]!.observer.onMismatch(false, 'reset')
    expect([known.heard, known.pool.confirmed]).toEqual([[], true])
    const leaving = start('h2', 5, {}, false)
    leaving.ask(1)
    leaving.connect(0)
    leaving.pool.abort()
    leaving.connections[0]!.observer.onMismatch(false, 'aborted')
    expect(leaving.heard).toEqual([])
  })

  it('leaves nobody waiting whose endpoint left before it showed what it speaks', () => {
    const { ask, connect, connections, dials, pool } = start('h2', 5, {}, false)
    const [waiter] = ask(1)
    connect(0)
    pool.drain()
    connections[0]!.observer.onMismatch(true, 'text')
    connections[0]!.abort()
    expect([waiter!.error, dials.length]).toEqual([new ProtocolMismatch('text', true), 1])
  })
})
