import type { HttpLimits } from '../../../src/core/proxy/http/environment.js'
import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { Head, NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import type { RequestHandler, Stream, StreamReceiver } from '../../../src/core/proxy/http/stream.js'
import { Http2ServerConnection } from '../../../src/core/proxy/http2/server-connection.js'
import { createSocketTransport } from '../../../src/core/proxy/transport/socket-transport.js'
import { realEnvironment } from '../../support/http-environment.js'
import { cleanup } from '../support.js'

export const BODY = Buffer.from('hello, world')

const OK = encodeFields([
  [':status', '200'],
  ['content-type', 'text/plain'],
])

export interface PlainServer {
  readonly port: number
  /** Why clients were at fault. */
  readonly faults: string[]
  /** Requests taken so far, and connections that are over. */
  requests: number
  closed: number
}

/** Http2ServerConnections on a free port, which answer every request with `BODY` once it is complete; `stalled` ones take no more of its body than the first window. */
export async function startPlainServer(limits: Partial<HttpLimits> = {}, stalled = false): Promise<PlainServer> {
  const environment = realEnvironment(limits)
  const open = new Set<Http2ServerConnection>()
  const acceptor = await createSocketTransport().listen('127.0.0.1', 0, {
    accepted(wire) {
      const handler: RequestHandler = {
        onRequest(stream, _head, end) {
          server.requests++
          if (end) answer(stream)
          return new Answering(stream, stalled)
        },
        onFault: (reason) => server.faults.push(reason),
        onClosed() {
          server.closed++
          open.delete(connection)
        },
      }
      const connection = new Http2ServerConnection(wire, environment, { trusted: false }, handler)
      open.add(connection)
    },
    acceptFailed() {},
  })
  cleanup(() => {
    acceptor.close()
    for (const connection of open) connection.abort()
  })
  const server: PlainServer = { port: acceptor.port, faults: [], requests: 0, closed: 0 }
  return server
}

function answer(stream: Stream): void {
  const head = new Head()
  head.block = OK
  head.length = OK.length
  head.status = 200
  stream.sendHead(head, NO_FIELDS, false)
  stream.sendData(BODY, 0, BODY.length, true)
}

/** Takes a body in, then answers. */
class Answering implements StreamReceiver {
  constructor(
    readonly stream: Stream,
    readonly stalled: boolean,
  ) {}

  onInterim(): void {}
  onHead(): void {}
  onBroken(): void {}
  onCredit(): void {}

  onData(_bytes: Buffer, _offset: number, _length: number, end: boolean): void {
    if (!this.stalled) this.stream.allow(Infinity, 0)
    if (end) answer(this.stream)
  }

  onTrailers(): void {
    answer(this.stream)
  }
}
