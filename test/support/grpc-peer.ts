import {
  Client,
  credentials,
  type ClientOptions,
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js'
import type { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

/** What a call tells the server to do, as JSON in its first message. Bytes behind it are ballast. */
export interface Order {
  /** Answer with this status instead of messages, or after them. */
  readonly code?: number
  readonly details?: string
  /** Messages of an answering stream. Default 1. */
  readonly messages?: number
  /** Of each message of an answer. Default 8. */
  readonly bytes?: number
  /** Wait so long before the answer. */
  readonly delayMs?: number
  /** End the call before the client has. */
  readonly early?: boolean
}

export interface GrpcPeer {
  readonly address: string
  /** Calls that were begun. */
  readonly calls: number
  /** Calls whose client, or deadline, cancelled them. */
  readonly cancelled: number
  /** Ends it at once, with all calls; later calls of it do nothing. */
  kill(): void
}

const asIs = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
const SERVICE: ServiceDefinition = {
  Unary: { path: '/test.Peer/Unary', requestStream: false, responseStream: false, ...asIs },
  Up: { path: '/test.Peer/Up', requestStream: true, responseStream: false, ...asIs },
  Down: { path: '/test.Peer/Down', requestStream: false, responseStream: true, ...asIs },
  Both: { path: '/test.Peer/Both', requestStream: true, responseStream: true, ...asIs },
}

function same(bytes: Buffer): Buffer {
  return bytes
}

export function order(what: Order, ballast = 0): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(what)}\n`), Buffer.alloc(ballast, 'b')])
}

function readOrder(message: Buffer): Order {
  return JSON.parse(message.toString().split('\n', 1)[0]!) as Order
}

type AnyCall = EventEmitter & {
  readonly metadata: Metadata
  sendMetadata(metadata: Metadata): void
}

/** What the client sent under `x-test-…`, given back under the same names. */
function echoed(metadata: Metadata): Metadata {
  const answer = new Metadata()
  for (const name of Object.keys(metadata.getMap()).filter((each) => each.startsWith('x-test-'))) {
    for (const value of metadata.get(name)) answer.add(name, value)
  }
  return answer
}

/** Trailers of every answer, the binary ones with bytes that are no text. */
function trailers(): Metadata {
  const answer = new Metadata()
  answer.set('x-trailer', 'at the end')
  answer.set('x-trailer-bin', Buffer.from([0, 255, 10, 13, 128]))
  return answer
}

/** A grpc-js server with a method of each kind that does what it is told. */
export async function startGrpcPeer(listen = '127.0.0.1:0'): Promise<GrpcPeer> {
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  const seen = { calls: 0, cancelled: 0 }
  const begin = (call: AnyCall) => {
    seen.calls++
    call.on('cancelled', () => seen.cancelled++)
    call.sendMetadata(echoed(call.metadata))
  }
  const failure = ({ code = status.OK, details = '' }: Order) => ({ code, details, metadata: trailers() })

  const answerStream = async (
    call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
    what: Order,
  ) => {
    for (let i = 0; i < (what.messages ?? 1) && !call.cancelled; i++) {
      const message = Buffer.alloc(what.bytes ?? 8, 'm')
      message.writeUInt32BE(i)
      if (!call.write(message)) await Promise.race([new Promise((resolve) => call.once('drain', resolve)), pause(20)])
    }
    if (what.delayMs !== undefined) await pause(what.delayMs)
    if (what.code) call.emit('error', failure(what))
    else call.end(trailers())
  }

  server.addService(SERVICE, {
    Unary: async (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      begin(call)
      const what = readOrder(call.request)
      if (what.delayMs !== undefined) await pause(what.delayMs)
      if (what.code) done(failure(what))
      else done(null, Buffer.alloc(what.bytes ?? 8, String(call.request.length)), trailers())
    },
    Up: (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      begin(call)
      let [count, bytes] = [0, 0]
      call.on('data', (message: Buffer) => {
        const what = count++ === 0 ? readOrder(message) : {}
        bytes += message.length
        if (what.early) done(failure(what))
      })
      call.on('end', () => done(null, Buffer.from(`${count} messages, ${bytes} bytes`), trailers()))
    },
    Down: (call: ServerWritableStream<Buffer, Buffer>) => {
      begin(call)
      void answerStream(call, readOrder(call.request))
    },
    Both: (call: ServerDuplexStream<Buffer, Buffer>) => {
      begin(call)
      let first = true
      call.on('data', (message: Buffer) => {
        const what = first ? readOrder(message) : {}
        first = false
        if (what.early) void answerStream(call, what)
        else call.write(message)
      })
      call.on('end', () => call.end(trailers()))
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(listen, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return {
    address: `127.0.0.1:${port}`,
    get calls() {
      return seen.calls
    },
    get cancelled() {
      return seen.cancelled
    },
    kill: () => server.forceShutdown(),
  }
}

/** A client of `startGrpcPeer` with a channel of its own. */
export class GrpcPeerClient extends Client {
  constructor(address: string, options: ClientOptions = {}) {
    super(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      ...options,
    })
  }

  unary(what: Order, { metadata = new Metadata(), deadlineMs = 20_000, ballast = 0 } = {}): Promise<Seen> {
    return this.#request('/test.Peer/Unary', order(what, ballast), metadata, deadlineMs)
  }

  /** A unary call of any method. */
  other(path: string): Promise<Seen> {
    return this.#request(path, order({}), new Metadata(), 20_000)
  }

  #request(path: string, message: Buffer, metadata: Metadata, deadlineMs: number): Promise<Seen> {
    return new Promise((resolve) => {
      const seen = new Seen()
      const options = { deadline: Date.now() + deadlineMs }
      const call = this.makeUnaryRequest(path, same, same, message, metadata, options, (_, value) => {
        if (value) seen.messages.push(value)
      })
      call.on('metadata', (received) => (seen.metadata = plain(received)))
      call.on('status', (ended) => resolve(seen.end(ended)))
    })
  }

  down(what: Order, options: { metadata?: Metadata; deadlineMs?: number } = {}) {
    const { metadata = new Metadata(), deadlineMs = 20_000 } = options
    const deadline = Date.now() + deadlineMs
    const call = this.makeServerStreamRequest('/test.Peer/Down', same, same, order(what), metadata, { deadline })
    return { call, seen: watched(call) }
  }

  both({ metadata = new Metadata(), deadlineMs = 20_000 } = {}) {
    const deadline = Date.now() + deadlineMs
    const call = this.makeBidiStreamRequest('/test.Peer/Both', same, same, metadata, { deadline })
    return { call, seen: watched(call) }
  }

  up({ metadata = new Metadata(), deadlineMs = 20_000 } = {}) {
    const seen = new Seen()
    const deadline = Date.now() + deadlineMs
    const call = this.makeClientStreamRequest('/test.Peer/Up', same, same, metadata, { deadline }, (_, value) => {
      if (value) seen.messages.push(value as Buffer)
    })
    call.on('metadata', (received) => (seen.metadata = plain(received)))
    const ended = new Promise<Seen>((resolve) => call.on('status', (last) => resolve(seen.end(last))))
    return { call, seen: ended }
  }
}

/** All that a client sees of a call. */
export class Seen {
  metadata: Readonly<Record<string, unknown>> | undefined
  readonly messages: Buffer[] = []
  code = -1
  details = ''
  trailers: Readonly<Record<string, unknown>> = {}

  end(last: { code: number; details: string; metadata: Metadata }): this {
    this.code = last.code
    this.details = last.details
    this.trailers = plain(last.metadata)
    return this
  }
}

interface ReadableCall {
  on(event: 'metadata', listener: (metadata: Metadata) => void): unknown
  on(event: 'data', listener: (message: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'status', listener: (ended: { code: number; details: string; metadata: Metadata }) => void): unknown
}

function watched(call: ReadableCall): Promise<Seen> {
  const seen = new Seen()
  call.on('metadata', (received) => (seen.metadata = plain(received)))
  call.on('data', (message) => seen.messages.push(message))
  call.on('error', () => undefined)
  return new Promise((resolve) => call.on('status', (ended) => resolve(seen.end(ended))))
}

/** Every value of every field but those that proxies and clocks write. */
function plain(metadata: Metadata): Record<string, unknown> {
  const names = Object.keys(metadata.getMap()).filter((name) => name !== 'date' && name !== 'via')
  return Object.fromEntries(names.sort().map((name) => [name, metadata.get(name)]))
}
