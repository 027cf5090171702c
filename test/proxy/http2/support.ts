import { once } from 'node:events'
import { createServer, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { HttpEnvironment } from '../../../src/core/proxy/http/environment.js'
import { encodeFields, findField } from '../../../src/core/proxy/http/field-block.js'
import { Head, NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import {
  type Broken,
  ErrorCode,
  type RequestHandler,
  type Stream,
  type StreamReceiver,
  type UpstreamObserver,
} from '../../../src/core/proxy/http/stream.js'
import { Http2ClientConnection } from '../../../src/core/proxy/http2/client-connection.js'
import { Http2ServerConnection } from '../../../src/core/proxy/http2/server-connection.js'
import { createSocketTransport } from '../../../src/core/proxy/transport/socket-transport.js'
import type { Wire } from '../../../src/core/proxy/transport/transport.js'
import { cleanup } from '../support.js'

/** A head as it comes out of a codec. */
export function head(pairs: readonly (readonly [string, string])[], facts: Partial<Head> = {}): Head {
  const made = new Head()
  made.block = encodeFields(pairs)
  made.length = made.block.length
  return Object.assign(made, facts)
}

export function request(path = '/', method = 'POST'): Head {
  return head([
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'test'],
  ])
}

export function response(status = 200): Head {
  return head([[':status', String(status)]], { status })
}

export function field(of: Head, name: string): string | undefined {
  return findField(of.block, of.length, name)
}

/** Remembers what a stream heard. */
export class Recorder implements StreamReceiver {
  readonly events: string[] = []
  readonly chunks: Buffer[] = []
  broken: Broken | undefined
  stream!: Stream
  /** Grants more room at once, as for bytes that are used up. */
  consumes = true

  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }

  onInterim(of: Head): void {
    this.events.push(`interim ${of.status}`)
  }

  onHead(of: Head, end: boolean): void {
    this.events.push(`head ${of.status}${end ? ' end' : ''}`)
  }

  onData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.chunks.push(Buffer.from(bytes.subarray(offset, offset + length)))
    if (end) this.events.push('end')
    if (this.consumes) this.stream.allow(0, 0)
  }

  onTrailers(of: Head): void {
    this.events.push(`trailers ${of.grpcStatus}`)
  }

  onBroken(broken: Broken): void {
    this.broken = broken
    this.events.push(`broken ${broken.code} ${broken.processed}`)
  }

  onCredit(): void {}
}

export interface Accepted {
  readonly connection: Http2ServerConnection
  readonly faults: string[]
  closed: boolean
}

/** A listener of server connections; each request goes to `answer`. */
export async function listen(
  env: HttpEnvironment,
  answer: (stream: Stream, head: Head, end: boolean) => StreamReceiver,
  trusted = true,
) {
  const accepted: Accepted[] = []
  const acceptor = await createSocketTransport().listen('127.0.0.1', 0, {
    accepted(wire) {
      const faults: string[] = []
      const handler: RequestHandler = {
        onRequest: answer,
        onFault: (reason) => void faults.push(reason),
        onClosed: () => (entry.closed = true),
      }
      const connection = new Http2ServerConnection(wire, env, { trusted }, handler)
      const entry: Accepted = { connection, faults, closed: false }
      accepted.push(entry)
      cleanup(() => connection.abort())
    },
    acceptFailed() {},
  })
  cleanup(() => acceptor.close())
  return { port: acceptor.port, accepted }
}

/** A plain TCP connection as a wire. */
export function dialWire(port: number): Promise<Wire> {
  return new Promise((resolve, reject) => {
    createSocketTransport().dial({ host: '127.0.0.1', port }, { connected: resolve, connectFailed: reject })
  })
}

/** A client connection to `port`, and what its observer heard. */
export async function connect(env: HttpEnvironment, port: number) {
  const heard: string[] = []
  const observer: UpstreamObserver = {
    onMismatch() {},
    onAvailability: () => void heard.push(`available ${connection.available}`),
    onClosed: (error) => void heard.push(error ? `closed: ${error.message}` : 'closed'),
  }
  const connection = new Http2ClientConnection(await dialWire(port), env, observer)
  cleanup(() => connection.abort())
  return { connection, heard }
}

/** A node:http2 server on a free port. */
export async function nodeServer(set: (server: Http2Server) => void, options = {}): Promise<number> {
  const server = createServer(options)
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream) => stream.on('error', () => {}))
  set(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Relays one exchange as a proxy does: what comes on one stream is sent on the other, with the credit of either handed to its opposite. */
export function bridge(upstream: Http2ClientConnection, down: Stream, of: Head, end: boolean): StreamReceiver {
  const fromUp: StreamReceiver = {
    onInterim: (head) => down.sendInterim(head),
    onHead: (head, last) => down.sendHead(head, NO_FIELDS, last),
    onData(bytes, offset, length, last) {
      down.sendData(bytes, offset, length, last)
      up.allow(down.credit, down.queued)
    },
    onTrailers: (head) => down.sendTrailers(head),
    onBroken: ({ code }) => down.reset(code),
    onCredit: () => down.allow(up.credit, up.queued),
  }
  const up = upstream.open(of, NO_FIELDS, end, fromUp)
  down.allow(up.credit, up.queued)
  up.allow(down.credit, down.queued)
  return {
    onInterim() {},
    onHead() {},
    onData(bytes, offset, length, last) {
      up.sendData(bytes, offset, length, last)
      down.allow(up.credit, up.queued)
    },
    onTrailers: (head) => up.sendTrailers(head),
    onBroken: () => up.reset(ErrorCode.CANCEL),
    onCredit: () => up.allow(down.credit, down.queued),
  }
}

export function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (seed + i * 7 + (i >> 8)) & 0xff
  return bytes
}
