import { createRequire } from 'node:module'
import {
  type ClientDuplexStream,
  type ClientUnaryCall,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

/** An event or a key-value pair as it came, with keys and values as latin1 text and integers as decimal strings. */
export interface RawKeyValue {
  readonly key: string
  readonly value: string
  readonly create_revision: string
  readonly mod_revision: string
  readonly version: string
  readonly lease: string
}

export interface RawHeader {
  readonly cluster_id: string
  readonly member_id: string
  readonly revision: string
  readonly raft_term: string
}

/** A response: every field present, bytes as latin1 text, integers as decimal strings, enums as numbers. */
export interface RawResponse {
  readonly header: RawHeader
  readonly [field: string]: unknown
}

export type RawRequest = Readonly<Record<string, unknown>>

const SERVICE_OF = {
  Range: 'KV',
  Put: 'KV',
  DeleteRange: 'KV',
  Txn: 'KV',
  Compact: 'KV',
  LeaseGrant: 'Lease',
  LeaseRevoke: 'Lease',
  LeaseTimeToLive: 'Lease',
  LeaseLeases: 'Lease',
  MemberList: 'Cluster',
  Status: 'Maintenance',
  Alarm: 'Maintenance',
  Defragment: 'Maintenance',
  Authenticate: 'Auth',
  UserAdd: 'Auth',
  Snapshot: 'Maintenance',
} as const
export type RawMethod = keyof typeof SERVICE_OF

type Services = Record<string, ServiceClientConstructor>
let services: Services | undefined

function loadClients(): Services {
  const file = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto')
  const definitions = loadSync(file, { keepCase: true, longs: String, defaults: true, oneofs: true, bytes: Buffer })
  return loadPackageDefinition(definitions)['etcdserverpb'] as unknown as Services
}

/** The gRPC API of an etcd without any client library's opinions. */
export class RawEtcd {
  readonly #clients = new Map<string, InstanceType<ServiceClientConstructor>>()

  constructor(private readonly endpoint: string) {}

  /** Sends a request (text for bytes) and returns the response; rejects with gRPC's ServiceError. */
  call(method: RawMethod, request: RawRequest = {}): Promise<RawResponse> {
    const client = this.#client(SERVICE_OF[method])
    const send = client[method] as unknown as (
      request: object,
      options: object,
      callback: (error: ServiceError | null, response: unknown) => void,
    ) => ClientUnaryCall
    return new Promise((resolve, reject) => {
      send.call(client, toWire(request) as object, { deadline: Date.now() + 15_000 }, (error, response) => {
        if (error) reject(error)
        else resolve(fromWire(response) as RawResponse)
      })
    })
  }

  /** The code and detail a request is refused with. */
  async refusal(method: RawMethod, request: RawRequest): Promise<{ code: number; details: string }> {
    try {
      await this.call(method, request)
    } catch (error) {
      const { code, details } = error as ServiceError
      return { code, details }
    }
    throw new Error(`${method} was not refused`)
  }

  watch(): RawStream {
    return new RawStream(this.#stream('Watch', 'Watch'))
  }

  keepAlive(): RawStream {
    return new RawStream(this.#stream('Lease', 'LeaseKeepAlive'))
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  #stream(service: string, method: string): ClientDuplexStream<object, object> {
    const client = this.#client(service)
    const open = client[method] as unknown as () => ClientDuplexStream<object, object>
    return open.call(client)
  }

  #client(service: string) {
    let client = this.#clients.get(service)
    if (!client) {
      services ??= loadClients()
      const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 }
      client = new services[service]!(this.endpoint, credentials.createInsecure(), options)
      this.#clients.set(service, client)
    }
    return client
  }
}

/** A duplex stream: messages are kept in order until they are asked for. */
export class RawStream {
  readonly #received: RawResponse[] = []
  #waiting: (() => void) | undefined
  #ended: Error | undefined

  constructor(private readonly call: ClientDuplexStream<object, object>) {
    call.on('data', (message) => {
      this.#received.push(fromWire(message) as RawResponse)
      this.#waiting?.()
    })
    const end = (error?: Error) => {
      this.#ended ??= error ?? new Error('the stream ended')
      this.#waiting?.()
    }
    call.on('error', end)
    call.on('end', end)
  }

  send(request: RawRequest): void {
    this.call.write(toWire(request) as object)
  }

  /** The next message. Rejects when the stream ends first, or after `timeoutMs`. */
  async next(timeoutMs = 15_000): Promise<RawResponse> {
    const deadline = Date.now() + timeoutMs
    while (this.#received.length === 0) {
      if (this.#ended) throw this.#ended
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`no message within ${timeoutMs} ms`)
      await new Promise<void>((resolve) => {
        const timer = left === Infinity ? undefined : setTimeout(resolve, left)
        this.#waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#received.shift()!
  }

  /** Opens a watch and returns its `created` message. */
  async create(request: RawRequest): Promise<RawResponse> {
    this.send({ create_request: request })
    return await this.next()
  }

  close(): void {
    this.call.cancel()
  }
}

const BYTES_FIELDS = new Set(['key', 'value', 'range_end'])

function toWire(value: unknown, field = ''): unknown {
  if (typeof value === 'string') return BYTES_FIELDS.has(field) ? Buffer.from(value, 'latin1') : value
  if (Array.isArray(value)) return value.map((item) => toWire(item))
  if (Buffer.isBuffer(value) || value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toWire(item, name)]))
}

function fromWire(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (Array.isArray(value)) return value.map(fromWire)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fromWire(item)]))
}
