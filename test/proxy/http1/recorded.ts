import { encodeFields } from '../../../src/core/proxy/http/field-block.js'
import { Head, NO_FIELDS } from '../../../src/core/proxy/http/head.js'
import type { HttpLimits } from '../../../src/core/proxy/http/environment.js'
import type { RequestHandler, Stream, StreamReceiver } from '../../../src/core/proxy/http/stream.js'
import { Http1ClientConnection } from '../../../src/core/proxy/http1/client-connection.js'
import { Http1ServerConnection } from '../../../src/core/proxy/http1/server-connection.js'
import { fields } from '../../support/fields.js'
import { manualEnvironment } from '../../support/http-environment.js'
import { FakeWire, turn } from './fake-wire.js'

/** One message as its receiver saw it. */
export class Recorded implements StreamReceiver {
  fields: string[] = []
  body = ''
  trailers: string[] | undefined
  ended = false
  broken: string | undefined
  processed: string | undefined
  status = 0
  interim: number[] = []
  credits = 0

  /** `onEnd` is called when the message is complete. */
  constructor(readonly onEnd: () => void = () => {}) {}

  onInterim(head: Head): void {
    this.interim.push(head.status)
  }

  onHead(head: Head, end: boolean): void {
    this.status = head.status
    this.fields = fieldsOf(head)
    if (end) this.#end()
  }

  onData(bytes: Buffer, offset: number, length: number, end: boolean): void {
    this.body += bytes.toString('latin1', offset, offset + length)
    if (end) this.#end()
  }

  onTrailers(head: Head): void {
    this.trailers = fieldsOf(head)
    this.#end()
  }

  onBroken({ reason, processed }: { reason: string; processed: string }): void {
    if (this.broken !== undefined) throw new Error('broken twice')
    this.broken = reason
    this.processed = processed
  }

  onCredit(): void {
    this.credits++
  }

  #end(): void {
    if (this.ended) throw new Error('ended twice')
    this.ended = true
    this.onEnd()
  }
}

export function fieldsOf(head: Head): string[] {
  const found: string[] = []
  fields(head.block, head.length, (name, value) => found.push(`${name}: ${value}`))
  return found
}

/** A head with the facts that a relay and the codecs go by. */
export function makeHead(pairs: readonly (readonly [string, string])[], facts: Partial<Head> = {}): Head {
  const block = encodeFields(pairs)
  return Object.assign(new Head(), { block, length: block.length }, facts)
}

export const OK = makeHead([[':status', '200']], { status: 200, contentLength: 2 })
const BODY = Buffer.from('ok')

/** A client's connection whose requests are recorded, and answered `ok` when they are complete unless `answers` is false. */
export class RecordingServer implements RequestHandler {
  readonly wire = new FakeWire()
  readonly requests: Recorded[] = []
  readonly streams: Stream[] = []
  readonly faults: string[] = []
  closed = 0
  readonly environment
  readonly connection: Http1ServerConnection

  constructor(readonly options: { limits?: Partial<HttpLimits>; trusted?: boolean; answers?: boolean } = {}) {
    this.environment = manualEnvironment(options.limits)
    const kind = { scheme: 'http', trusted: options.trusted ?? false } as const
    this.connection = new Http1ServerConnection(this.wire, this.environment, kind, this)
  }

  onRequest(stream: Stream, head: Head, end: boolean): StreamReceiver {
    const request = new Recorded(() => this.#answer(stream))
    request.fields = fieldsOf(head)
    this.requests.push(request)
    this.streams.push(stream)
    if (end) {
      request.ended = true
      this.#answer(stream)
    }
    return request
  }

  onFault(reason: string): void {
    this.faults.push(reason)
  }

  onClosed(): void {
    this.closed++
  }

  #answer(stream: Stream): void {
    if (this.options.answers === false) return
    stream.sendHead(OK, NO_FIELDS, false)
    stream.sendData(BODY, 0, 2, true)
  }
}

/** What comes of `payload` on a client's connection: requests let through, and what the client is told. */
export async function serve(payload: string | Buffer, size = Infinity, options = {}): Promise<RecordingServer> {
  const server = new RecordingServer(options)
  server.wire.receive(payload, size)
  await turn()
  return server
}

/** What comes of `payload` as the response to `request`. */
export async function answer(
  payload: string | Buffer,
  { size = Infinity, request = GET, closes = false }: { size?: number; request?: Head; closes?: boolean } = {},
): Promise<Recorded & { available: number; wire: FakeWire }> {
  const wire = new FakeWire()
  const connection = new Http1ClientConnection(wire, manualEnvironment(), {
    onAvailability() {},
    onMismatch() {},
    onClosed() {},
  })
  const response = new Recorded()
  const stream = connection.open(request, NO_FIELDS, request.upgrade === '', response)
  if (request.upgrade !== '') stream.sendData(BODY, 0, 0, true)
  await turn()
  wire.receive(payload, size)
  if (closes) wire.receiver.onEnd()
  await turn()
  return Object.assign(response, { available: connection.available, wire })
}

export const GET = makeHead(
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'a'],
  ],
  { method: 1 },
)
