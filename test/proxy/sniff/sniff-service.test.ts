import { describe, expect, it } from 'vitest'
import { Client } from '../../../src/core/proxy/admission/client.js'
import type { Arrival, ConnectionService } from '../../../src/core/proxy/service/connection-service.js'
import type { ServiceContext } from '../../../src/core/proxy/service/context.js'
import { SniffService } from '../../../src/core/proxy/sniff/sniff-service.js'
import type { Wire } from '../../../src/core/proxy/transport/transport.js'
import { FakeWire } from '../../support/fake-wire.js'
import { ManualClock } from '../../support/manual-clock.js'

/** A service that notes what it is told. */
class Notes implements ConnectionService {
  active = 0
  readonly accepted: { readonly wire: Wire; readonly arrival: Arrival }[] = []
  readonly told: string[] = []
  accept(wire: Wire, arrival: Arrival) {
    this.active++
    this.accepted.push({ wire, arrival })
  }
  update() {
    this.told.push('update')
  }
  drain() {
    this.told.push('drain')
  }
  abort() {
    this.told.push('abort')
  }
}

function start() {
  const clock = new ManualClock()
  const http = new Notes()
  const tcp = new Notes()
  let closed = 0
  const context = { runtime: { clock }, settings: { sniffTimeoutMs: 50 }, closed: () => void closed++ }
  const service = new SniffService(context as unknown as ServiceContext, http, tcp)
  const arrive = (early = '', alpn = '') => {
    const wire = new FakeWire()
    service.accept(wire, {
      client: new Client(wire, undefined),
      early: Buffer.from(early, 'latin1'),
      secure: false,
      alpn,
    })
    return wire
  }
  return { clock, http, tcp, service, arrive, closed: () => closed }
}

const earlyOf = ({ accepted }: Notes) => accepted.map(({ arrival }) => arrival.early.toString('latin1'))

describe('SniffService', () => {
  it('hands HTTP to one service and everything else to another, with every byte so far', () => {
    const { http, tcp, service, arrive } = start()
    arrive().receive('GET / HTTP/1.1\r\n\r\n')
    arrive('PRI * HTTP/2.0\r\n\r\n').receive('SM\r\n\r\nmore')
    arrive().receive('SSH-2.0-client\r\n')
    arrive().receive('\x16\x03\x01\x02\x00\x01')
    expect(service.active).toBe(4)
    expect(earlyOf(http)).toEqual(['GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore'])
    expect(earlyOf(tcp)).toEqual(['SSH-2.0-client\r\n', '\x16\x03\x01\x02\x00\x01'])
  })

  it('goes by what ALPN settled, without a look at the bytes', () => {
    const { http, tcp, arrive } = start()
    const wires = ['h2', 'http/1.1', 'mqtt'].map((alpn) => arrive('', alpn))
    expect(http.accepted.map(({ wire }) => wire)).toEqual(wires.slice(0, 2))
    expect(tcp.accepted.map(({ wire }) => wire)).toEqual(wires.slice(2))
    expect(wires.some(({ reading }) => reading)).toBe(false)
  })

  it('gives a client that waits for the server to TCP after the time', async () => {
    const { tcp, arrive, clock } = start()
    const wire = arrive()
    await clock.advance(50)
    expect(tcp.accepted).toMatchObject([{ arrival: { early: Buffer.alloc(0), ended: false } }])
    expect(wire.gone).toBeUndefined()
  })

  it('says whether the client has ended its side', () => {
    const { tcp, arrive } = start()
    const wire = arrive()
    wire.receive('HELLO')
    wire.receiver.onEnd()
    expect(tcp.accepted).toMatchObject([{ arrival: { early: Buffer.from('HELLO'), ended: true } }])
  })

  it('lets go of a client that leaves before anything is known', () => {
    const { service, arrive, closed } = start()
    const wire = arrive()
    wire.receive('GE')
    expect(service.active).toBe(1)
    wire.receiver.onClose()
    expect([service.active, closed()]).toEqual([0, 1])
  })

  it('breaks off who has not said anything when it is told to', async () => {
    const { service, arrive, closed, clock, http, tcp } = start()
    const wire = arrive()
    service.abort()
    expect([wire.gone, service.active, closed()]).toEqual(['reset', 0, 1])
    expect([http.told, tcp.told]).toEqual([['abort'], ['abort']])
    await clock.advance(100)
    expect(tcp.accepted).toEqual([])
  })

  it('drains those that come in late too', () => {
    const { service, arrive, http } = start()
    const wire = arrive()
    service.drain()
    wire.receive('GET / HTTP/1.1\r\n\r\n')
    expect(http.told).toEqual(['drain', 'drain'])
  })
})
