import { describe, expect, it } from 'vitest'
import { Client } from '../../../src/core/proxy/admission/client.js'
import { ListenerMeter } from '../../../src/core/proxy/meters.js'
import type { Arrival, ConnectionService } from '../../../src/core/proxy/service/connection-service.js'
import type { ServiceContext, Trouble } from '../../../src/core/proxy/service/context.js'
import { Ticker } from '../../../src/core/proxy/ticker.js'
import { TlsService } from '../../../src/core/proxy/tls/tls-service.js'
import type { DialObserver, Transport } from '../../../src/core/proxy/transport/transport.js'
import { FakeWire } from '../../support/fake-wire.js'
import { ManualClock } from '../../support/manual-clock.js'

/** A service whose handshakes end when the test says so. */
function start() {
  const clock = new ManualClock()
  const ticker = new Ticker(clock)
  const meter = new ListenerMeter()
  const handshakes: { readonly observer: DialObserver; cancelled: boolean }[] = []
  const troubles: Trouble[] = []
  const accepted: Arrival[] = []
  let drained = 0
  let closed = 0
  const secure: Transport['secure'] = (_wire, _early, _server, observer) => {
    const handshake = { observer, cancelled: false }
    handshakes.push(handshake)
    return { cancel: () => void (handshake.cancelled = true) }
  }
  const inner: ConnectionService = {
    active: 0,
    accept: (_wire, arrival) => void accepted.push(arrival),
    update() {},
    drain: () => void drained++,
    abort() {},
  }
  const credentials = { options: {}, clientCertificates: false }
  const context = {
    ticker,
    meter,
    transport: { secure },
    tls: { server: credentials },
    trouble: (trouble: Trouble) => void troubles.push(trouble),
    closed: () => void closed++,
  }
  const service = new TlsService('http', context as unknown as ServiceContext, inner)
  const arrive = () => {
    const wire = new FakeWire()
    service.accept(wire, { client: new Client(wire, undefined), early: Buffer.alloc(0), secure: false, alpn: '' })
    return wire
  }
  return { clock, meter, handshakes, troubles, accepted, service, arrive, closed: () => closed, drained: () => drained }
}

const CROWD = 2048

describe('TlsService', () => {
  it('hands on what is inside, and what ALPN settled', () => {
    const { arrive, handshakes, accepted, service } = start()
    arrive()
    expect([service.active, accepted]).toEqual([1, []])
    handshakes[0]!.observer.connected(Object.assign(new FakeWire(), { alpn: 'h2' }))
    expect(accepted).toMatchObject([{ secure: true, alpn: 'h2' }])
    expect(service.active).toBe(0)
  })

  it('refuses newcomers while a crowd shakes hands that has only just come', () => {
    const { arrive, handshakes, meter, closed } = start()
    for (let i = 0; i < CROWD; i++) arrive()
    expect(arrive().gone).toBe('reset')
    expect([handshakes.length, meter.limited, closed()]).toEqual([CROWD, 1, 1])
    handshakes[0]!.observer.connected(new FakeWire())
    expect(arrive().gone).toBeUndefined()
  })

  it('has those who have dawdled make room, the oldest first', async () => {
    const { arrive, handshakes, meter, closed, troubles, clock } = start()
    for (let i = 0; i < CROWD; i++) arrive()
    await clock.advance(1500)
    expect(arrive().gone).toBeUndefined()
    expect(arrive().gone).toBeUndefined()
    expect(handshakes.map(({ cancelled }) => cancelled).indexOf(false)).toBe(2)
    expect([handshakes.length, meter.limited, meter.handshakeFailures, closed()]).toEqual([CROWD + 2, 0, 2, 2])
    expect(troubles[0]).toMatchObject({ kind: 'handshake_failed', reason: 'another client needed its place' })
  })

  it('drains those whose handshake ends late too', () => {
    const { arrive, handshakes, service, drained } = start()
    arrive()
    service.drain()
    handshakes[0]!.observer.connected(new FakeWire())
    expect(drained()).toBe(2)
  })
})
