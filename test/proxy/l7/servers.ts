import { once } from 'node:events'
import {
  createServer as createHttp1,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  Agent,
  request,
} from 'node:http'
import {
  createServer as createHttp2,
  connect,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { cleanup } from '../support.js'

export interface TestEndpoint {
  readonly address: string
  readonly port: number
  /** Connections accepted so far. */
  readonly connections: number
  /** Breaks every connection and stops listening. */
  kill(): void
}

/** An HTTP/1.1 server of node on a free loopback port; closed after the test. */
export async function startHttp1(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestEndpoint & { readonly server: Server; readonly sockets: Set<Socket> }> {
  const server = createHttp1(handler)
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const kill = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  cleanup(kill)
  return {
    address: `127.0.0.1:${port}`,
    port,
    server,
    sockets,
    kill,
    get connections() {
      return connections
    },
  }
}

/** An HTTP/2 server of node, without TLS, on a free loopback port; closed after the test. */
export async function startHttp2(
  handler: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  settings: { maxConcurrentStreams?: number } = {},
): Promise<TestEndpoint & { readonly sessions: Set<ServerHttp2Session> }> {
  const server = createHttp2({ settings })
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('session', (session) => {
    connections++
    sessions.add(session)
    session.on('error', () => {})
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    handler(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const kill = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  cleanup(kill)
  return {
    address: `127.0.0.1:${port}`,
    port,
    sessions,
    kill,
    get connections() {
      return connections
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly trailers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface Question {
  readonly method?: string
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** One HTTP/1.1 request, on a connection of its own unless an agent is given. */
export async function ask1(port: number, question: Question = {}, agent?: Agent): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body } = question
  const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: agent ?? new Agent() })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return {
    status: response.statusCode!,
    headers: response.headers,
    trailers: response.trailers,
    body: Buffer.concat(chunks).toString(),
  }
}

/** An HTTP/2 client connection; closed after the test. */
export function dial2(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  cleanup(() => session.destroy())
  return session
}

/** One HTTP/2 request. Rejects when the stream is reset. */
export async function ask2(session: ClientHttp2Session, question: Question = {}): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body } = question
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  let trailers: Answer['trailers'] = {}
  stream.on('trailers', (fields: Answer['trailers']) => (trailers = fields))
  const [response] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return { status: response[':status'], headers: response, trailers, body: Buffer.concat(chunks).toString() }
}
