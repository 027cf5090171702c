import { Client, type ClientOptions, credentials, Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'

/** What a server answers a call with. */
export interface Answer {
  /** Default OK. */
  readonly code?: number
  readonly trailers?: Readonly<Record<string, string>>
  /** Answers when this settles. */
  readonly when?: Promise<unknown>
  /** Ends the answer, which has begun, when this settles. */
  readonly endWhen?: Promise<unknown>
}

/** A gRPC server that answers every call with an empty message, and counts. */
export interface TestServer {
  readonly address: string
  readonly port: number
  /** Calls that were begun. */
  readonly calls: number
  /** TCP connections that were ever accepted. */
  readonly accepted: number
  /** TCP connections that are open. */
  readonly open: number
  /** What it answers from now on. Default: OK at once. */
  answer: (headers: IncomingHttpHeaders) => Answer
  /** Breaks every connection off, and listens on. */
  cut(): void
  /** Breaks every connection off and stops listening. */
  close(): Promise<void>
}

const EMPTY_MESSAGE = Buffer.alloc(5)

export async function startServer(port = 0, host = '127.0.0.1'): Promise<TestServer> {
  const seen = { calls: 0, accepted: 0 }
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const server = createServer()
  server.on('connection', (socket) => {
    seen.accepted++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session)).on('error', () => undefined)
  })
  server.on('stream', (stream, headers) => {
    seen.calls++
    stream.on('error', () => undefined).resume()
    void respond(stream, test.answer(headers))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const bound = (server.address() as { port: number }).port
  const cut = () => {
    for (const session of sessions) session.destroy()
    for (const socket of sockets) socket.destroy()
  }
  const test: TestServer = {
    address: `${host}:${bound}`,
    port: bound,
    get calls() {
      return seen.calls
    },
    get accepted() {
      return seen.accepted
    },
    get open() {
      return sockets.size
    },
    answer: () => ({}),
    cut,
    async close() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
  return test
}

async function respond(
  stream: ServerHttp2Stream,
  { code = status.OK, trailers = {}, when, endWhen }: Answer,
): Promise<void> {
  await when
  if (stream.destroyed) return
  const last = { 'grpc-status': String(code), ...trailers }
  const head = { ':status': 200, 'content-type': 'application/grpc' }
  // An answer that begins with anything else is none that a client would make another attempt for.
  if (code !== status.OK) return stream.respond({ ...head, ...last }, { endStream: true })
  stream.on('wantTrailers', () => stream.sendTrailers(last))
  stream.respond(head, { waitForTrailers: true })
  stream.write(EMPTY_MESSAGE)
  await endWhen
  if (!stream.destroyed) stream.end()
}

/** A client of `startServer` with a pool of connections of its own. */
export class TestClient extends Client {
  constructor(target: string, options: ClientOptions = {}) {
    super(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, ...options })
  }

  /** One call; resolves with how it ended. */
  call({ metadata = new Metadata(), deadlineMs = 20_000 } = {}): Promise<StatusObject> {
    return new Promise((resolve) => {
      const options = { deadline: Date.now() + deadlineMs }
      const message = Buffer.alloc(0)
      this.makeUnaryRequest('/test.Echo/Call', same, same, message, metadata, options, () => undefined).on(
        'status',
        resolve,
      )
    })
  }

  /** So many calls, one after the other. Throws where one fails. */
  async calls(count: number, metadata?: Metadata): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { code, details } = await this.call(metadata && { metadata })
      if (code !== status.OK) throw new Error(`call ${i} ended with ${status[code]}: ${details}`)
    }
  }
}

/** Metadata of a call that waits for an endpoint rather than fail. */
export function waiting(): Metadata {
  return new Metadata({ waitForReady: true })
}

/** The `grpc.service_config` option that names a policy. */
export function policy(name: string, config: object = {}, rest: object = {}): ClientOptions {
  return { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [name]: config }], ...rest }) }
}

function same(bytes: Buffer): Buffer {
  return bytes
}
