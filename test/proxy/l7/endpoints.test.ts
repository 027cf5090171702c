import { describe, expect, it } from 'vitest'
import { parseStaticEndpoints } from '../../../src/core/discovery/static-resolver.js'
import type { Endpoint } from '../../../src/core/model/endpoint.js'
import type { Snapshot } from '../../../src/core/model/snapshot.js'
import type { UpstreamConnection } from '../../../src/core/proxy/http/stream.js'
import { HttpEndpoints } from '../../../src/core/proxy/l7/endpoints.js'
import type { PoolContext, Waiter } from '../../../src/core/proxy/l7/upstream-pool.js'
import { ListenerMeter } from '../../../src/core/proxy/meters.js'
import type { ServiceContext } from '../../../src/core/proxy/service/context.js'
import { Ticker } from '../../../src/core/proxy/ticker.js'
import type { DialObserver } from '../../../src/core/proxy/transport/transport.js'
import { FakeWire } from '../../support/fake-wire.js'
import { ManualClock } from '../../support/manual-clock.js'

function endpoint(facts: Partial<Endpoint> = {}): Endpoint {
  return { ...parseStaticEndpoints('10.0.0.1:80')[0]!, ...facts }
}

function snapshot(...endpoints: Endpoint[]): Snapshot {
  return { service: 'web', revision: 1n, endpoints, skipped: [] }
}

/** One that has room for as many as come. */
class Connection {
  readonly protocol = 'h2'
  readonly available = 100
  readonly active = 0
  state = 'open'

  drain(): void {
    this.state = 'draining'
  }

  abort(): void {
    this.state = 'aborted'
  }
}

function start() {
  const dials: { endpoint: Endpoint; observer: DialObserver; cancelled: boolean }[] = []
  const connections: Connection[] = []
  const context: PoolContext = {
    ticker: new Ticker(new ManualClock()),
    limits: { maxConnections: 10, maxPending: 10, maxRequests: 100 },
    connectTicks: 20,
    dial(to, _protocol, observer) {
      const dial = { endpoint: to, observer, cancelled: false }
      dials.push(dial)
      return { cancel: () => void (dial.cancelled = true) }
    },
    tellMismatch() {},
    settle: (_endpoint, wanted) => wanted,
    converse() {
      const connection = new Connection()
      connections.push(connection)
      return connection as unknown as UpstreamConnection
    },
  }
  const endpoints = new HttpEndpoints({ meter: new ListenerMeter() } as unknown as ServiceContext, context)
  const waiter: Waiter = { connected() {}, connectFailed() {} }
  const ask = (of: Endpoint) => endpoints.of(of).pool('h2', false, false).wait(waiter)
  const connect = (i: number) => dials[i]!.observer.connected(new FakeWire())
  return { endpoints, ask, connect, dials, connections }
}

describe('the endpoints of a listener', () => {
  it('let go of those that left and are still waited for', () => {
    const { endpoints, ask, dials } = start()
    ask(endpoint())
    endpoints.update(snapshot())
    endpoints.update(snapshot())
    expect(dials[0]!.cancelled).toBe(false)
    endpoints.abort()
    expect(dials[0]!.cancelled).toBe(true)
  })

  it.each([
    ['another instance', { id: 'another' }],
    ['another protocol', { meta: { protocol: 'grpc' } }],
    ['another name in its certificate', { meta: { serverName: 'b.example' } }],
  ])('connect anew to what is at the same address with %s', (_, facts) => {
    const { endpoints, ask, connect, dials, connections } = start()
    ask(endpoint())
    connect(0)
    const other = endpoint(facts)
    endpoints.update(snapshot(other))
    expect(connections[0]!.state).toBe('draining')
    ask(other)
    expect(dials.map(({ endpoint: { id, meta } }) => ({ id, meta }))).toEqual([
      { id: '10.0.0.1:80', meta: {} },
      { id: other.id, meta: other.meta },
    ])
  })

  it('keep their connections where only the weight or the state is another one', () => {
    const { endpoints, ask, connect, connections } = start()
    ask(endpoint())
    connect(0)
    endpoints.update(snapshot(endpoint({ weight: 7, state: 'drain', meta: { zone: 'b' } })))
    expect(connections[0]!.state).toBe('open')
  })
})
