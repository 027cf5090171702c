import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { HttpLimits } from '../../../src/core/proxy/http/environment.js'
import { encodeFields, findField } from '../../../src/core/proxy/http/field-block.js'
import { Head, Method, NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import type { Broken, Stream, StreamReceiver } from '../../../src/core/proxy/http/stream.js'
import { Http2ClientConnection } from '../../../src/core/proxy/http2/client-connection.js'
import { createSocketTransport } from '../../../src/core/proxy/transport/socket-transport.js'
import { realEnvironment } from '../../support/http-environment.js'
import { RawHttp2, settings, SETTINGS_ACK } from '../../support/raw-http2.js'
import { cleanup } from '../support.js'

const REQUEST = encodeFields([
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'example.com'],
])

export function requestHead(method: Head['method'] = Method.GET): Head {
  const head = new Head()
  head.block = REQUEST
  head.length = REQUEST.length
  head.method = method
  return head
}

/** What became of a request. */
export class Outcome implements StreamReceiver {
  readonly interim: number[] = []
  status: string | undefined
  body = ''
  trailers: string | undefined
  ended = false
  broken: Broken | undefined
  readonly #stream: () => Stream

  constructor(stream: () => Stream) {
    this.#stream = stream
  }

  onInterim(head: Head): void {
    this.interim.push(head.status)
  }

  onHead(head: Head, end: boolean): void {
    this.status = findField(head.block, head.length, ':status')
    this.ended = end
  }

  onData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.body += bytes.toString('latin1', offset, offset + length)
    this.ended ||= end
    if (!end) this.#stream().allow(Infinity, 0)
  }

  onTrailers(head: Head): void {
    this.trailers = findField(head.block, head.length, 'grpc-status') ?? ''
    this.ended = true
  }

  onBroken(broken: Broken): void {
    this.broken = broken
  }

  onCredit(): void {}
}

export interface PlainClient {
  readonly connection: Http2ClientConnection
  /** The endpoint: it has sent its SETTINGS and acknowledged the client's, unless it was to be silent. */
  readonly endpoint: RawHttp2
  /** Whether the connection is over, and with what error. */
  readonly state: { closed: boolean; error: Error | undefined }
  /** Sends a GET on the next stream: 1, 3, … */
  request(): Outcome
}

/** A Http2ClientConnection and the endpoint it is connected to. */
export async function startPlainClient(limits: Partial<HttpLimits> = {}, silent = false): Promise<PlainClient> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const state: PlainClient['state'] = { closed: false, error: undefined }
  const connection = await new Promise<Http2ClientConnection>((resolve, reject) => {
    createSocketTransport().dial(
      { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
      {
        connected(wire) {
          const observer = {
            onMismatch() {},
            onAvailability() {},
            onClosed(error?: Error) {
              state.closed = true
              state.error = error
            },
          }
          resolve(new Http2ClientConnection(wire, realEnvironment(limits), observer))
        },
        connectFailed: reject,
      },
    )
  })
  const [socket] = await accepted
  const endpoint = new RawHttp2(socket, true)
  cleanup(() => {
    endpoint.destroy()
    connection.abort()
    server.close()
  })
  if (!silent) endpoint.send(settings(), SETTINGS_ACK)
  const request = () => {
    const outcome: Outcome = new Outcome(() => stream)
    const stream = connection.open(requestHead(), NO_FIELDS, true, outcome)
    return outcome
  }
  return { connection, endpoint, state, request }
}
