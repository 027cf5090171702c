import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createBalancer } from '../../src/core/balancer/balancer.js'
import { choosePolicy } from '../../src/core/balancer/service-config.js'
import { LatestResolution } from '../../src/core/discovery/latest.js'
import type { DataPlaneResolver } from '../../src/core/discovery/data-plane-resolver.js'
import { parseStaticEndpoints } from '../../src/core/discovery/static-resolver.js'
import type { FairleadError } from '../../src/core/errors.js'
import type { Endpoint } from '../../src/core/model/endpoint.js'
import type { ProxyEvent } from '../../src/core/proxy/events.js'
import { parseListen } from '../../src/core/proxy/listen.js'
import type { ProxyOptions } from '../../src/core/proxy/options.js'
import { type Proxy, startProxy } from '../../src/core/proxy/proxy.js'
import type { Transport } from '../../src/core/proxy/transport/transport.js'
import { type Runtime, systemRuntime } from '../../src/core/runtime.js'
import { eventually } from '../support/eventually.js'

const cleanups: (() => unknown)[] = []

/** Registers what is to be undone after the test. */
export function cleanup(undo: () => unknown): void {
  cleanups.push(undo)
}

/** For afterEach: undoes everything in reverse order. */
export async function cleanUp(): Promise<void> {
  for (const undo of cleanups.splice(0).reverse()) await undo()
}

export interface TestServer {
  readonly address: string
  readonly port: number
  /** Every connection accepted so far, in order. */
  readonly sockets: Socket[]
  /** Stops listening and breaks every connection. */
  close(): Promise<void>
}

/** A TCP server on a free loopback port. */
export async function startServer(onSocket: (socket: Socket) => void): Promise<TestServer> {
  const sockets: Socket[] = []
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  cleanup(close)
  return { address: `127.0.0.1:${port}`, port, sockets, close }
}

/** Answers everything with itself and half-closes after the client has. */
export function startEcho(): Promise<TestServer> {
  return startServer((socket) => socket.pipe(socket))
}

/** Says its name as soon as somebody connects, then echoes. */
export function startNamed(name: string): Promise<TestServer> {
  return startServer((socket) => {
    socket.write(`${name}\n`)
    socket.pipe(socket)
  })
}

/** A connected client socket with `allowHalfOpen`. */
export async function dial(target: string | number): Promise<Socket> {
  const port = typeof target === 'number' ? target : Number(/:(\d+)$/.exec(target)![1])
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  cleanup(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Everything a socket sends until it ends. Rejects when it is reset. */
export function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('end', () => resolve(Buffer.concat(chunks)))
    socket.once('error', reject)
  })
}

/** What arrives first, as text. */
export async function readSome(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString('latin1')
}

/** How a connection came to its end: `end` (FIN) or an error code such as ECONNRESET. */
export function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('end', () => resolve('end'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.resume()
  })
}

/** Polls until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  await eventually(() => {
    if (!condition()) throw new Error(`waited in vain until ${what}`)
  })
}

/** A resolver the test feeds by hand. */
export class HandResolver implements DataPlaneResolver {
  /** Addresses that could not be connected to. */
  readonly disproved: string[] = []
  readonly #latest = new LatestResolution()
  #revision = 0n

  set(endpoints: readonly Endpoint[] | string, service = 'web', serviceConfig?: Record<string, unknown>): void {
    const list = typeof endpoints === 'string' ? (endpoints === '' ? [] : parseStaticEndpoints(endpoints)) : endpoints
    const set = { service, revision: ++this.#revision, endpoints: list, skipped: [] }
    const snapshot = { ...set, ...(serviceConfig && { serviceConfig }) }
    this.#latest.offer({ kind: 'snapshot', snapshot, departed: new Set() })
  }

  lose(error: FairleadError): void {
    this.#latest.offer({ kind: 'stale', since: 0, error })
  }

  disprove(_service: string, address: string): void {
    this.disproved.push(address)
  }

  resolve(_service: string, signal: AbortSignal) {
    return this.#latest.read(signal)
  }
}

export interface TestProxyOptions extends Omit<ProxyOptions, 'listeners' | 'policy'> {
  readonly policy?: string
  /** Default: TCP on a free port. */
  readonly listen?: string
  readonly resolver?: DataPlaneResolver
  readonly transport?: Transport
  readonly runtime?: Runtime
}

export interface TestProxy {
  readonly proxy: Proxy
  readonly port: number
  readonly events: ProxyEvent[]
}

/** Starts a proxy with one listener on a free port; it is closed after the test. */
export async function startTestProxy(target: string, options: TestProxyOptions = {}): Promise<TestProxy> {
  const { policy, resolver = new HandResolver(), transport, runtime = systemRuntime, ...others } = options
  const { listen = 'tcp://127.0.0.1:0', ...rest } = others
  const events: ProxyEvent[] = []
  const proxy = await startProxy(
    { listeners: [parseListen(`${listen}=${target}`)], onEvent: (event) => events.push(event), ...rest },
    {
      resolver,
      createBalancer: () => createBalancer({ policy: choosePolicy(policy ?? 'round_robin') }, runtime),
      ...(transport && { transport }),
    },
    runtime,
  )
  cleanup(() => proxy.close())
  return { proxy, events, port: Number(/:(\d+)$/.exec(proxy.listening[0]!)![1]) }
}
