import { afterEach, describe, expect, it } from 'vitest'
import { request } from 'node:http'
import { once } from 'node:events'
import { status } from '@grpc/grpc-js'
import { IdleRequests, type Moving } from '../../../src/core/proxy/l7/idle-requests.js'
import { Ticker } from '../../../src/core/proxy/ticker.js'
import { GrpcPeerClient, startGrpcPeer } from '../../support/grpc-peer.js'
import { ManualClock } from '../../support/manual-clock.js'
import { cleanup, cleanUp, startTestProxy, until } from '../support.js'
import { ask1, ask2, dial2, startHttp1, startHttp2 } from './servers.js'

afterEach(cleanUp)

class FakeRequest implements Moving {
  moves = 0
  seenMoves = -1
  quietSince = 0
  idlePlace = -1
  ended = false
  idleOut(): void {
    this.ended = true
  }
}

function start(limitMs: number) {
  const clock = new ManualClock()
  const limit = { ms: limitMs }
  const idle = new IdleRequests(new Ticker(clock), () => limit.ms)
  const add = (count: number) =>
    Array.from({ length: count }, () => {
      const item = new FakeRequest()
      idle.add(item)
      return item
    })
  return { clock, idle, limit, add }
}

describe('requests under way', () => {
  it('end when nothing of them moved for the limit, and not before', async () => {
    const { clock, add } = start(10_000)
    const [quiet, moving] = add(2)
    for (let i = 0; i < 9; i++) {
      moving!.moves++
      await clock.advance(1000)
    }
    expect([quiet!.ended, moving!.ended]).toEqual([false, false])
    for (let i = 0; i < 4; i++) {
      moving!.moves++
      await clock.advance(1000)
    }
    expect([quiet!.ended, moving!.ended]).toEqual([true, false])
    await clock.advance(13_000)
    expect(moving!.ended).toBe(true)
  })

  it('are not looked at once they are over, nor is anything when all are', async () => {
    const { clock, idle, add } = start(10_000)
    const items = add(3)
    idle.remove(items[0]!)
    idle.remove(items[0]!)
    await clock.advance(15_000)
    expect(items.map(({ ended }) => ended)).toEqual([false, true, true])
    await clock.advance(5_000)
    expect(clock.pending).toBe(0)
    const [later] = add(1)
    await clock.advance(9_000)
    expect(later!.ended).toBe(false)
    await clock.advance(4_000)
    expect(later!.ended).toBe(true)
  })

  it('go by the limit of the moment', async () => {
    const { clock, add, limit } = start(100_000)
    const [item] = add(1)
    await clock.advance(1000)
    limit.ms = 1000
    await clock.advance(13_000)
    expect(item!.ended).toBe(true)
  })
})

const IDLE = { listen: 'http://127.0.0.1:0', idleTimeoutMs: 1500 }

describe('a request of which nothing moves', () => {
  it('is answered 408 where the client sends no body', async () => {
    const server = await startHttp1((asked, response) => asked.pipe(response))
    const { port, proxy } = await startTestProxy(server.address, IDLE)
    const session = dial2(port)
    await ask2(session)
    const upload = session.request({ ':method': 'POST', ':path': '/' })
    upload.on('error', () => {})
    upload.write('some')
    // An answer that has begun can only be broken off.
    const [headers] = (await once(upload, 'response')) as [{ ':status': number }]
    expect(headers[':status']).toBe(200)
    await once(upload, 'close')
    const silent = session.request({ ':method': 'POST', ':path': '/' })
    silent.on('error', () => {})
    const [refusal] = (await once(silent, 'response')) as [{ ':status': number }]
    expect(refusal[':status']).toBe(408)
    const [stats] = proxy.stats()
    expect(stats!.requests).toMatchObject({ timedOut: 2 })
    expect(stats!.endpoints[0]).toMatchObject({ requestsFailed: 0 })
  })

  it('is answered 504 where the endpoint does not answer, and UNAVAILABLE if it is a call', async () => {
    const server = await startHttp2(() => {})
    const { port, proxy } = await startTestProxy(server.address, { ...IDLE, retries: 0 })
    const client = new GrpcPeerClient(`127.0.0.1:${port}`)
    cleanup(() => client.close())
    const [one, two, call] = await Promise.all([ask1(port), ask2(dial2(port)), client.unary({})])
    expect([one.status, two.status, call.code]).toEqual([504, 504, status.UNAVAILABLE])
    expect(proxy.stats()[0]!.requests).toMatchObject({ timedOut: 3, active: 0 })
  })

  it('ends a call that has begun with UNAVAILABLE, and a tunnel', async () => {
    const peer = await startGrpcPeer()
    cleanup(() => peer.kill())
    const { port } = await startTestProxy(peer.address, IDLE)
    const client = new GrpcPeerClient(`127.0.0.1:${port}`)
    cleanup(() => client.close())
    expect(await client.both().seen).toMatchObject({ code: status.UNAVAILABLE, messages: [] })
    const { server, address } = await startHttp1(() => {})
    server.on('upgrade', (_, socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
    })
    const tunnels = await startTestProxy(address, IDLE)
    const headers = { connection: 'upgrade', upgrade: 'x' }
    const asked = request({ port: tunnels.port, host: '127.0.0.1', headers }).end()
    const [, socket] = (await once(asked, 'upgrade')) as [unknown, NodeJS.Socket]
    socket.on('error', () => {})
    await new Promise((resolve) => socket.on('close', resolve))
    await until(() => tunnels.proxy.stats()[0]!.requests.active === 0, 'the tunnel is gone')
  })

  it('is no request of which something moves, in whichever direction', async () => {
    const server = await startHttp2((stream) => {
      stream.respond({ ':status': 200 })
      stream.resume()
      const beat = setInterval(() => stream.write('.'), 200)
      stream.on('close', () => clearInterval(beat))
    })
    const { port, proxy } = await startTestProxy(server.address, IDLE)
    const session = dial2(port)
    const down = session.request({ ':path': '/' })
    let seen = 0
    down.on('data', () => seen++)
    await until(() => seen >= 20, 'it went on for more than twice the limit')
    expect(proxy.stats()[0]!.requests).toMatchObject({ timedOut: 0, active: 1 })
    down.close()
  })
})
