import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { HttpEnvironment, HttpLimits } from '../../../src/core/proxy/http/environment.js'
import { Head, NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import type {
  Broken,
  RequestHandler,
  Stream,
  StreamReceiver,
  UpstreamConnection,
} from '../../../src/core/proxy/http/stream.js'
import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { Http1ClientConnection } from '../../../src/core/proxy/http1/client-connection.js'
import { Http1ServerConnection } from '../../../src/core/proxy/http1/server-connection.js'
import { createSocketTransport } from '../../../src/core/proxy/transport/socket-transport.js'
import type { Transport } from '../../../src/core/proxy/transport/transport.js'
import { realEnvironment } from '../../support/http-environment.js'
import { cleanup, dial } from '../support.js'

export interface JoinedOptions {
  readonly limits?: Partial<HttpLimits>
  readonly trusted?: boolean
  readonly staticRead?: boolean
}

export interface Joined {
  readonly port: number
  readonly server: Http1ServerConnection[]
  /** Connections made to the endpoint. */
  readonly dialled: number
  readonly faults: string[]
  readonly broken: Broken[]
  closed: number
}

/** A relay of the smallest kind: every client connection has its own list of connections to one endpoint. */
export async function startJoined(endpointPort: number, options: JoinedOptions = {}): Promise<Joined> {
  const environment = realEnvironment(options.limits)
  const transport = createSocketTransport({ staticRead: options.staticRead ?? true })
  const joined = { port: 0, server: [] as Http1ServerConnection[], dialled: 0, faults: [], broken: [], closed: 0 }
  const pool = new Pool(transport, environment, endpointPort, joined)
  const acceptor = await transport.listen('127.0.0.1', 0, {
    accepted(wire) {
      const handler: RequestHandler = {
        onRequest: (stream, head, end) => new Exchange(stream, head, end, pool, joined).downstream,
        onFault: (reason) => void (joined.faults as string[]).push(reason),
        onClosed: () => void joined.closed++,
      }
      const kind = { scheme: 'http', trusted: options.trusted ?? false } as const
      joined.server.push(new Http1ServerConnection(wire, environment, kind, handler))
    },
    acceptFailed() {},
  })
  cleanup(() => {
    acceptor.close()
    for (const connection of joined.server) connection.abort()
    pool.close()
  })
  joined.port = acceptor.port
  return joined
}

class Pool {
  readonly #idle = new Set<UpstreamConnection>()
  readonly #all = new Set<UpstreamConnection>()

  constructor(
    readonly transport: Transport,
    readonly environment: HttpEnvironment,
    readonly port: number,
    readonly joined: { dialled: number },
  ) {}

  get(use: (connection: UpstreamConnection) => void): void {
    for (const connection of this.#idle) {
      this.#idle.delete(connection)
      if (connection.available > 0) return use(connection)
    }
    this.transport.dial(
      { host: '127.0.0.1', port: this.port },
      {
        connected: (wire) => {
          this.joined.dialled++
          const connection: UpstreamConnection = new Http1ClientConnection(wire, this.environment, {
            onMismatch() {},
            onAvailability: () => {
              if (connection.available > 0) this.#idle.add(connection)
              else this.#idle.delete(connection)
            },
            onClosed: () => {
              this.#idle.delete(connection)
              this.#all.delete(connection)
            },
          })
          this.#all.add(connection)
          use(connection)
        },
        connectFailed: () => {},
      },
    )
  }

  close(): void {
    for (const connection of this.#all) connection.abort()
  }
}

/** `via: 1.1 test`, as a relay would append. */
export const EXTRA = encodeFields([['via', '1.1 test']])
const BAD_GATEWAY = encodeFields([
  [':status', '502'],
  ['content-length', '0'],
])

class Exchange {
  #up: Stream | undefined
  #waiting: (() => void)[] = []
  #responded = false

  constructor(
    readonly down: Stream,
    head: Head,
    end: boolean,
    pool: Pool,
    readonly joined: { broken: Broken[] },
  ) {
    const copy = copyOf(head)
    down.allow(0, 0)
    pool.get((connection) => {
      this.#up = connection.open(copy, EXTRA, end, this.upstream)
      down.allow(this.#up.credit, this.#up.queued)
      for (const send of this.#waiting.splice(0)) send()
    })
  }

  readonly downstream: StreamReceiver = {
    onInterim() {},
    onHead() {},
    onData: (bytes, offset, length, end) => {
      const up = this.#up
      if (up) {
        up.sendData(bytes, offset, length, end)
        this.down.allow(up.credit, up.queued)
        return
      }
      const copy = Buffer.from(bytes.subarray(offset, offset + length))
      this.#waiting.push(() => this.#up!.sendData(copy, 0, length, end))
    },
    onTrailers: (head) => {
      const up = this.#up
      if (up) return up.sendTrailers(head)
      const copy = copyOf(head)
      this.#waiting.push(() => this.#up!.sendTrailers(copy))
    },
    onBroken: (broken) => {
      this.joined.broken.push(broken)
      this.#up?.reset(broken.code)
    },
    onCredit: () => this.#up?.allow(this.down.credit, this.down.queued),
  }

  readonly upstream: StreamReceiver = {
    onInterim: (head) => this.down.sendInterim(head),
    onHead: (head, end) => {
      this.#responded = true
      this.down.sendHead(head, NO_FIELDS, end)
    },
    onData: (bytes, offset, length, end) => {
      this.down.sendData(bytes, offset, length, end)
      this.#up?.allow(this.down.credit, this.down.queued)
    },
    onTrailers: (head) => this.down.sendTrailers(head),
    onBroken: (broken) => {
      this.joined.broken.push(broken)
      if (this.#responded) return this.down.reset(broken.code)
      const length = BAD_GATEWAY.length
      const head = Object.assign(new Head(), { block: BAD_GATEWAY, length, status: 502, contentLength: 0 })
      this.down.sendHead(head, NO_FIELDS, true)
    },
    onCredit: () => this.down.allow(this.#up!.credit, this.#up!.queued),
  }
}

function copyOf(head: Head): Head {
  const block = Buffer.from(head.block.subarray(0, head.length))
  return Object.assign(new Head(), head, { block })
}

/** Sends `payload` on a new connection and returns everything that comes back until it ends. */
export async function exchangeRaw(port: number, payload: string | Buffer): Promise<string> {
  const socket = await dial(port)
  const answer = collect(socket)
  socket.write(typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload)
  await Promise.race([once(socket, 'end'), once(socket, 'close')])
  return answer()
}

/** Collects what a socket receives. */
export function collect(socket: Socket): () => string {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('latin1')
}
