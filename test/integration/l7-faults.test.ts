import { status } from '@grpc/grpc-js'
import { once } from 'node:events'
import { connect as connectHttp2, createServer } from 'node:http2'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, cleanup, HandResolver, startTestProxy } from '../proxy/support.js'
import { launch } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { type GrpcPeer, GrpcPeerClient, startGrpcPeer } from '../support/grpc-peer.js'
import { residentBytes } from '../support/process-figures.js'

afterEach(cleanUp)

const LISTEN = 'grpc://127.0.0.1:0'
const RETRY_UNAVAILABLE = {
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: '0.01s',
        maxBackoff: '0.1s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
}

async function peer(listen?: string): Promise<GrpcPeer> {
  const started = await startGrpcPeer(listen)
  cleanup(() => started.kill())
  return started
}

/** Its client makes no retries of its own. */
function clientOf(port: number): GrpcPeerClient {
  const client = new GrpcPeerClient(`127.0.0.1:${port}`, { 'grpc.enable_retries': 0 })
  cleanup(() => client.close())
  return client
}

function addresses(peers: readonly GrpcPeer[]): string {
  return peers.map(({ address }) => address).join(',')
}

/** Answers every call after a while. `die` breaks its connections without a word, as the end of a process does. */
async function startMortal(delayMs: number) {
  const sockets = new Set<Socket>()
  let calls = 0
  const server = createServer({ settings: { maxConcurrentStreams: 1000 } })
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.on('sessionError', () => undefined)
  server.on('stream', (stream) => {
    calls++
    stream.on('error', () => undefined)
    stream.resume()
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    const answer = () => {
      if (stream.destroyed) return
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.end(Buffer.alloc(5))
    }
    const timer = setTimeout(answer, delayMs)
    cleanup(() => clearTimeout(timer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const die = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  cleanup(die)
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    die,
    get calls() {
      return calls
    },
  }
}

/** How 200 calls end that are on their way to three servers when one of them dies. */
async function killUnderCalls(serviceConfig?: Record<string, unknown>) {
  const servers = [await startMortal(1500), await startMortal(1500), await startMortal(1500)]
  const resolver = new HandResolver()
  resolver.set(servers.map(({ address }) => address).join(','), 'web', serviceConfig)
  const { port } = await startTestProxy('web', { listen: LISTEN, resolver })
  // The proxy takes a hundred calls at once on a connection.
  const clients = [clientOf(port), clientOf(port)]
  const ended = Array.from({ length: 200 }, (_, i) => clients[i % 2]!.unary({}))
  const tries = () => servers.reduce((sum, { calls }) => sum + calls, 0)
  await eventually(() => tries() === 200)
  const lost = servers[0]!.calls
  servers[0]!.die()
  const codes = (await Promise.all(ended)).map(({ code }) => code)
  return { lost, codes, tries: tries() }
}

describe('a server that dies under 200 gRPC calls', () => {
  it('fails those with UNAVAILABLE that it had, and no other', async () => {
    const { lost, codes, tries } = await killUnderCalls()
    expect(lost).toBeGreaterThan(50)
    expect(codes.filter((code) => code === status.UNAVAILABLE)).toHaveLength(lost)
    expect(codes.filter((code) => code === status.OK)).toHaveLength(200 - lost)
    expect(tries).toBe(200)
  })

  it('fails none that its retryPolicy lets be repeated', async () => {
    const { lost, codes, tries } = await killUnderCalls(RETRY_UNAVAILABLE)
    expect(new Set(codes)).toEqual(new Set([status.OK]))
    expect(tries).toBe(200 + lost)
  })
})

describe('a rolling restart of every server', () => {
  it('fails no call while each one in turn is drained, ends and comes back', async () => {
    const peers = [await peer(), await peer(), await peer()]
    const resolver = new HandResolver()
    resolver.set(addresses(peers))
    const { port } = await startTestProxy('web', { listen: LISTEN, resolver })
    const client = clientOf(port)
    const codes = new Map<number, number>()
    let running = true
    const work = async () => {
      while (running) {
        const { code } = await client.unary({ delayMs: 5 })
        codes.set(code, (codes.get(code) ?? 0) + 1)
      }
    }
    const workers = Array.from({ length: 20 }, work)
    for (let i = 0; i < peers.length; i++) {
      const leaving = peers[i]!
      resolver.set(addresses(peers.filter((each) => each !== leaving)))
      await pause(200)
      leaving.kill()
      peers[i] = await peer(leaving.address)
      const before = peers[i]!.calls
      resolver.set(addresses(peers))
      await eventually(() => peers[i]!.calls > before + 10)
    }
    running = false
    await Promise.all(workers)
    expect([...codes.keys()]).toEqual([status.OK])
  }, 60_000)
})

describe('a client that does not read a stream of 1 GB', () => {
  it('costs a bounded amount of memory, and does not slow another one down', async () => {
    const chunk = Buffer.alloc(1 << 20, 's')
    let sent = 0
    const server = createServer()
    server.on('session', (session) => void cleanup(() => session.destroy()))
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined)
      stream.respond({ ':status': 200 })
      if (headers[':path'] !== '/endless') return void stream.end('ok')
      const more = () => {
        while (sent < 1 << 30 && stream.write(chunk)) sent += chunk.length
      }
      stream.on('drain', more)
      more()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanup(() => void server.close())
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const cli = launch(['proxy', `${LISTEN}=${target}`])
    cleanup(async () => {
      cli.child.kill('SIGKILL')
      await cli.ended
    })
    const port = Number(/:(\d+) ->/.exec(await cli.waitForLine(/listening/))![1])
    const usual = connectHttp2(`http://127.0.0.1:${port}`)
    cleanup(() => usual.destroy())
    const get = () => once(usual.request({ ':path': '/' }).resume(), 'end')
    await get()
    const idle = residentBytes(cli.pid)

    // Some take the whole stream and then do not read it, others have said how much they take.
    for (const window of [2 ** 31 - 1, 2 ** 31 - 1, 0, 100_000]) await stall(port, window)
    await settled(() => sent)
    for (let i = 0; i < 200; i++) await get()
    expect(residentBytes(cli.pid) - idle).toBeLessThan(64 << 20)
    expect(sent).toBeLessThan(256 << 20)
  }, 60_000)
})

/** Asks for the stream, gives it so large a window, and reads the first bytes only. */
async function stall(port: number, window: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  cleanup(() => socket.destroy())
  const settings = Buffer.from([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0])
  settings.writeUInt32BE(window, 11)
  const update = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0])
  const path = Buffer.from('/endless')
  // GET, http, a path and an authority without indexing (RFC 7541 §6.2.2).
  const fields = Buffer.concat([Buffer.from([0x82, 0x86, 0x04, path.length]), path, Buffer.from([0x01, 1, 0x61])])
  const head = Buffer.from([0, 0, fields.length, 1, 0x5, 0, 0, 0, 1])
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, update, head, fields]))
  await once(socket, 'data')
  socket.pause()
}

/** Waits until a number has stopped growing. */
async function settled(read: () => number): Promise<void> {
  let before = -1
  await eventually(async () => {
    before = read()
    await pause(500)
    return read() === before
  })
}
