import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import type { ProxyEvent } from '../../src/core/proxy/events.js'
import { Splice } from '../../src/core/proxy/l4/splice.js'
import { EndpointMeter } from '../../src/core/proxy/meters.js'
import { Ticker } from '../../src/core/proxy/ticker.js'
import { SlabPool } from '../../src/core/proxy/transport/slabs.js'
import { deafReceiver } from '../../src/core/proxy/transport/socket-wire.js'
import { runtime as manualRuntime } from '../support/balancing.js'
import { parseListen } from '../../src/core/proxy/listen.js'
import { startProxy } from '../../src/core/proxy/proxy.js'
import type { DialObserver, Transport, Wire } from '../../src/core/proxy/transport/transport.js'
import { createSocketTransport } from '../../src/core/proxy/transport/socket-transport.js'
import { systemRuntime } from '../../src/core/runtime.js'
import { freePort } from '../support/real-etcd.js'
import { cleanUp, cleanup, dial, ending, HandResolver, readSome, startNamed, startTestProxy, until } from './support.js'

afterEach(cleanUp)

/** Sockets, except that every first attempt for a connection fails with `error`. */
function withFirstDialFailing(error: Error): Transport {
  const sockets = createSocketTransport()
  const seen = new Set<DialObserver>()
  return {
    ...sockets,
    dial(destination, observer) {
      if (seen.has(observer)) return sockets.dial(destination, observer)
      seen.add(observer)
      setImmediate(() => observer.connectFailed(error))
      return { cancel() {} }
    },
  }
}

describe('a failure of this machine', () => {
  it.each(['EADDRNOTAVAIL', 'EACCES', 'EPERM'])(
    'that concerns one destination (%s) is no reason not to try another',
    async (code) => {
      const [a, b] = [await startNamed('a'), await startNamed('b')]
      const transport = withFirstDialFailing(Object.assign(new Error(`connect ${code}`), { code }))
      const { port, proxy } = await startTestProxy(`${a.address},${b.address}`, { transport })
      expect(await readSome(await dial(port))).toMatch(/^[ab]\n$/)
      expect(proxy.stats()[0]).toMatchObject({ retries: 1, connectFailures: 0, connections: { failed: 0 } })
    },
  )

  it.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])('that concerns them all (%s) ends the attempts', async (code) => {
    const [a, b] = [await startNamed('a'), await startNamed('b')]
    const transport = withFirstDialFailing(Object.assign(new Error(`connect ${code}`), { code }))
    const { port, proxy } = await startTestProxy(`${a.address},${b.address}`, { transport })
    expect(await ending(connect(port, '127.0.0.1'))).toBe('ECONNRESET')
    expect(proxy.stats()[0]).toMatchObject({ retries: 0, connectFailures: 0, connections: { failed: 1 } })
  })
})

describe('a failure to connect to any address of a name', () => {
  it('is told with its reasons', async () => {
    const both = [new Error('connect ECONNREFUSED 127.0.0.1:1'), new Error('connect ECONNREFUSED ::1:1')]
    const transport = withFirstDialFailing(Object.assign(new AggregateError(both), { code: 'ECONNREFUSED' }))
    const { port, events } = await startTestProxy('localhost:1', { transport, retries: 0 })
    expect(await ending(connect(port, '127.0.0.1'))).toBe('ECONNRESET')
    const reason = 'connect ECONNREFUSED 127.0.0.1:1; connect ECONNREFUSED ::1:1'
    expect(events).toContainEqual(expect.objectContaining({ kind: 'connect_failed', reason }))
  })
})

/** A wire that does nothing but remember what was asked of it. */
function fakeWire() {
  const asked: string[] = []
  const wire: Wire = {
    receiver: deafReceiver,
    remote: undefined,
    local: undefined,
    write: (_, length) => asked.push(`write ${length}`) > 0,
    writeSlab: (_, length) => asked.push(`write ${length}`) > 0,
    slabs: new SlabPool(),
    pending: 0,
    end: () => void asked.push('end'),
    close: () => void asked.push('close'),
    reset: () => void asked.push('reset'),
    pause: () => {},
    resume: () => {},
  }
  return { wire, asked }
}

/** A splice of two fake wires, which `ticker` times out after an hour of silence. */
function splice() {
  const { clock } = manualRuntime()
  const [ticker, down, up] = [new Ticker(clock), fakeWire(), fakeWire()]
  const verdicts: boolean[] = []
  const owner = { spliceClosed: (failed: boolean) => void verdicts.push(failed) }
  ticker.watch(new Splice(down.wire, up.wire, new EndpointMeter('a'), ticker, 36_000, owner))
  return { clock, down, up, verdicts }
}

describe('a server that resets the connection', () => {
  it('in the middle of its answer has the client see a reset', () => {
    const { down, up, verdicts } = splice()
    up.wire.receiver.onData(Buffer.from('half'), 4)
    up.wire.receiver.onClose(new Error('read ECONNRESET'))
    expect(down.asked).toEqual(['write 4', 'reset'])
    down.wire.receiver.onClose()
    expect(verdicts).toEqual([true])
  })

  it('after the end of its answer leaves the client its time to receive it', () => {
    const { down, up, verdicts } = splice()
    up.wire.receiver.onEnd()
    up.wire.receiver.onClose(new Error('read ECONNRESET'))
    expect(down.asked).toEqual(['end'])
    down.wire.receiver.onEnd()
    down.wire.receiver.onClose()
    expect(verdicts).toEqual([false])
  })

  it('after the end of its answer does not bind the proxy to a client that goes on sending', async () => {
    const { clock, down, up } = splice()
    up.wire.receiver.onEnd()
    up.wire.receiver.onClose(new Error('read ECONNRESET'))
    for (let second = 0; second < 29; second++) {
      await clock.advance(1000)
      down.wire.receiver.onData(Buffer.from('more'), 4)
    }
    expect(down.asked).toEqual(['end'])
    await clock.advance(2000)
    expect(down.asked).toContain('close')
  })
})

describe('bookkeeping', () => {
  it('counts a connection to an endpoint that left while it was being connected to', async () => {
    const server = await startNamed('a')
    const sockets = createSocketTransport()
    const dials: (() => void)[] = []
    const transport: Transport = {
      ...sockets,
      dial(destination, observer) {
        dials.push(() => sockets.dial(destination, observer))
        return { cancel() {} }
      },
    }
    const resolver = new HandResolver()
    resolver.set(server.address)
    const { port, proxy, events } = await startTestProxy('web', { transport, resolver })
    const client = await dial(port)
    await until(() => dials.length === 1, 'the endpoint is tried')
    resolver.set('')
    await until(() => events.some((event) => event.event === 'endpoints'), 'the endpoint is gone')
    dials[0]!()
    await readSome(client)
    expect(proxy.stats()[0]!.endpoints).toMatchObject([{ address: server.address, state: 'gone', total: 1, active: 1 }])
  })

  it('does not blame clients that were about to send a PROXY header when it stops', async () => {
    const server = await startNamed('a')
    const options = { proxyProtocol: 'accept', trust: ['127.0.0.0/8'] } as const
    const { port, proxy, events } = await startTestProxy(server.address, options)
    const client = await dial(port)
    const end = ending(client)
    await until(() => proxy.stats()[0]!.connections.active === 1, 'the client is accepted')
    await proxy.close()
    expect(await end).toBe('ECONNRESET')
    await new Promise((resolve) => setImmediate(resolve))
    expect(events.map(({ event }) => event)).toEqual(['listening', 'stopped'])
  })

  it('looks again at an address that was harmless before another listener opened there', async () => {
    const [first, second] = [await freePort(), await freePort()]
    const resolver = new HandResolver()
    const events: ProxyEvent[] = []
    const starting = startProxy(
      {
        listeners: [parseListen(`127.0.0.1:${first}=127.0.0.1:${second}`), parseListen(`127.0.0.1:${second}=web`)],
        onEvent: (event) => events.push(event),
      },
      { resolver, createBalancer: () => createBalancer({}, systemRuntime) },
      systemRuntime,
    )
    await until(() => events.some(({ event }) => event === 'listening'), 'the first listener is open')
    expect(await ending(connect(first, '127.0.0.1'))).toBe('ECONNRESET')
    resolver.set('127.0.0.1:1')
    const proxy = await starting
    cleanup(() => proxy.close())
    expect(await ending(connect(first, '127.0.0.1'))).toBe('ECONNRESET')
    const kinds = events.flatMap((event) => (event.event === 'connection_error' ? [event.kind] : []))
    expect(kinds).toEqual(['connect_failed', 'refused_address', 'no_endpoints'])
  })
})
