import { Client, credentials, Metadata, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js'
import { type EventEmitter, once } from 'node:events'
import { Agent } from 'node:http'
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { parseStaticEndpoints } from '../../../src/core/discovery/static-resolver.js'
import { cleanup, cleanUp, HandResolver, startTestProxy } from '../support.js'
import { ask1, ask2, dial2, startHttp1 } from './servers.js'

afterEach(cleanUp)

/** Fields of W3C Trace Context and Baggage, and gRPC's of OpenCensus, in pairs. */
type Field = readonly [name: string, value: string]
const NAMES = ['traceparent', 'tracestate', 'baggage', 'grpc-trace-bin', 'traceresponse']

/** Different in every request, so that nothing remembered from one gets into another. */
function traceOf(n: number): readonly Field[] {
  const id = n.toString(16).padStart(32, 'a')
  return [
    ['traceparent', `00-${id}-00f067aa0ba902b7-0${n % 2}`],
    // "multiple tracestate header fields MUST be handled as specified by RFC7230" (Trace Context §3.3): their order counts.
    ['tracestate', `rojo=00f067aa0ba902b7,congo=t61rcWkgMzE_${n}`],
    ['tracestate', 'tenant@vendor=a/b;c=d!~ e'],
    ['baggage', `userId=Am%C3%A9lie%2C%20${n}, serverNode=DF%2028;prop;k=v , isProduction=false`],
    [
      'grpc-trace-bin',
      Buffer.from([0, 0, ...Array.from({ length: 16 }, (_, i) => (i * 37 + n) & 255), 255]).toString('base64'),
    ],
  ]
}

const traced = (raw: readonly string[]): Field[] =>
  raw.flatMap((name, i): Field[] =>
    i % 2 === 0 && NAMES.includes(name.toLowerCase()) ? [[name.toLowerCase(), raw[i + 1]!]] : [],
  )

/** As node's clients take fields that repeat. */
function asHeaders(fields: readonly Field[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const [name, value] of fields) (headers[name] ??= []).push(value)
  return headers
}

interface Recorder {
  readonly address: string
  /** What each request said, by its path. */
  readonly heard: Map<string, readonly Field[]>
}

const RESPONSE = { traceresponse: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }

async function record1(): Promise<Recorder> {
  const heard: Recorder['heard'] = new Map()
  const { address } = await startHttp1((asked, response) => {
    heard.set(asked.url!, traced(asked.rawHeaders))
    response.writeHead(200, RESPONSE).end()
  })
  return { address, heard }
}

async function record2(): Promise<Recorder> {
  const heard: Recorder['heard'] = new Map()
  const server = createServer()
  // The types leave out the last argument, in which nothing is put together.
  type Handler = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    raw: readonly string[],
  ) => void
  const onStream: Handler = (stream, headers, _, raw) => {
    heard.set(headers[':path']!, traced(raw))
    stream.respond({ ':status': 200, ...RESPONSE }, { endStream: true })
  }
  ;(server as EventEmitter).on('stream', onStream)
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, heard }
}

describe.each([
  ['HTTP/1.1', 'HTTP/1.1'],
  ['HTTP/1.1', 'HTTP/2'],
  ['HTTP/2', 'HTTP/1.1'],
  ['HTTP/2', 'HTTP/2'],
] as const)('trace headers from a client of %s to an endpoint of %s', (client, endpoint) => {
  it('arrive byte for byte, in order, those of each request, and come back', async () => {
    const { address, heard } = await (endpoint === 'HTTP/2' ? record2() : record1())
    const resolver = new HandResolver()
    const meta = { protocol: endpoint === 'HTTP/2' ? 'h2' : 'h1' }
    resolver.set([{ ...parseStaticEndpoints(address)[0]!, meta }])
    const { port } = await startTestProxy('web', { listen: 'http://127.0.0.1:0', resolver })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    cleanup(() => agent.destroy())
    const session = dial2(port)
    // One after another on one connection, each twice, so that compression has something to remember.
    for (let i = 0; i < 8; i++) {
      const question = { path: `/${i}`, headers: asHeaders(traceOf(i >> 1)) }
      const { status, headers } = await (client === 'HTTP/2' ? ask2(session, question) : ask1(port, question, agent))
      expect({ status, traceresponse: headers.traceresponse }).toEqual({ status: 200, ...RESPONSE })
    }
    expect([...heard]).toEqual(Array.from({ length: 8 }, (_, i) => [`/${i}`, traceOf(i >> 1)]))
  })
})

describe('trace metadata of a gRPC call', () => {
  const path = '/test.Traced/Call'
  const same = (bytes: Buffer) => bytes

  it('arrives as it was, binary metadata too', async () => {
    let heard: Metadata | undefined
    const server = new Server()
    const codecs = {
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    }
    server.addService(
      { Call: { path, requestStream: false, responseStream: false, ...codecs } },
      {
        Call: (call: ServerUnaryCall<Buffer, Buffer>, answer: (error: null, bytes: Buffer) => void) => {
          heard = call.metadata
          answer(null, call.request)
        },
      },
    )
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, free) =>
        error ? reject(error) : resolve(free),
      )
    })
    cleanup(() => server.forceShutdown())
    const { port } = await startTestProxy(`127.0.0.1:${bound}`, { listen: 'grpc://127.0.0.1:0' })
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    cleanup(() => client.close())
    const context = Buffer.from(Array.from({ length: 29 }, (_, i) => (i * 97) & 255))
    const metadata = new Metadata()
    metadata.set('grpc-trace-bin', context)
    for (const [name, value] of traceOf(1)) if (!name.endsWith('-bin')) metadata.add(name, value)
    await new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, Buffer.of(1), metadata, {}, (error, bytes) =>
        error ? reject(error) : resolve(bytes),
      )
    })
    expect(heard!.get('grpc-trace-bin')).toEqual([context])
    for (const [name] of traceOf(1)) {
      // grpc-js itself puts fields of one name together.
      if (!name.endsWith('-bin')) expect(heard!.get(name).join(', ')).toBe(metadata.get(name).join(', '))
    }
  })
})
