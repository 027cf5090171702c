import {
  type ClientUnaryCall,
  credentials,
  type Metadata as CallMetadata,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanup, cleanUp, HandResolver, startTestProxy, until } from '../support.js'
import { startHttp2 } from './servers.js'

afterEach(cleanUp)

const GRPC = { listen: 'grpc://127.0.0.1:0' }
const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value }
const ECHO: ServiceDefinition = {
  call: {
    path: '/test.Echo/Call',
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  },
}

type Handler = (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => void

/** A grpc-js server on a free loopback port; its address. */
async function startEcho(handler: Handler = (call, reply) => reply(null, call.request)): Promise<string> {
  const server = new Server()
  server.addService(ECHO, { call: handler })
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, found: number) => (error ? reject(error) : resolve(found))
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound)
  })
  cleanup(() => server.forceShutdown())
  return `127.0.0.1:${port}`
}

interface CallResult {
  readonly error?: ServiceError
  readonly body?: string
  readonly trailers?: CallMetadata
}

/** A client that calls with a body and metadata. It retries nothing by itself. */
function dialEcho(port: number) {
  const Client = makeGenericClientConstructor(ECHO, 'Echo')
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.enable_retries': 0 })
  cleanup(() => client.close())
  return (body: string, options: { deadlineMs?: number; metadata?: Record<string, string> } = {}) =>
    new Promise<CallResult>((resolve) => {
      const metadata = new Metadata()
      for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value)
      let result: CallResult = {}
      const deadline = { deadline: Date.now() + (options.deadlineMs ?? 20_000) }
      const done = (error: ServiceError | null, response?: Buffer) => {
        result = { ...(error && { error }), ...(response && { body: response.toString() }) }
      }
      const call = client.call!(Buffer.from(body), metadata, deadline, done) as ClientUnaryCall
      // The status is told last.
      call.on('status', ({ metadata: trailers }) => resolve({ ...result, trailers }))
    })
}

/** A service of these addresses with a config for its calls. */
function service(addresses: readonly string[], serviceConfig: Record<string, unknown>): HandResolver {
  const resolver = new HandResolver()
  resolver.set(addresses.join(','), 'web', serviceConfig)
  return resolver
}

const RETRY = { maxAttempts: 4, initialBackoff: '0.01s', maxBackoff: '0.02s', backoffMultiplier: 2 }
const retryOn = (...retryableStatusCodes: string[]) => ({
  methodConfig: [{ name: [{ service: 'test.Echo' }], retryPolicy: { ...RETRY, retryableStatusCodes } }],
})

describe('calls', () => {
  it('arrive with metadata, and come back with trailers and errors as they are', async () => {
    const address = await startEcho((call, reply) => {
      if (call.request.toString() === 'fail') {
        return reply({ code: status.FAILED_PRECONDITION, details: 'not so – 100 %', metadata: call.metadata })
      }
      const trailers = new Metadata()
      trailers.set('x-trailer', call.metadata.get('x-name').join())
      reply(null, call.request, trailers)
    })
    const { port, proxy } = await startTestProxy(address, GRPC)
    const call = dialEcho(port)
    const answer = await call('hello', { metadata: { 'x-name': 'me' } })
    expect(answer).toMatchObject({ body: 'hello' })
    expect(answer.trailers!.get('x-trailer')).toEqual(['me'])
    const { error } = await call('fail')
    expect(error).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'not so – 100 %' })
    expect(proxy.stats()[0]!.endpoints[0]).toMatchObject({ requests: 2, requestsFailed: 0 })
  })

  it('are retried as the service config says, and count their attempts', async () => {
    const seen: string[] = []
    const address = await startEcho((call, reply) => {
      seen.push(call.metadata.get('grpc-previous-rpc-attempts').join() || '0')
      if (seen.length < 3) reply({ code: status.UNAVAILABLE })
      else reply(null, call.request)
    })
    const { port, proxy } = await startTestProxy('web', {
      ...GRPC,
      resolver: service([address], retryOn('UNAVAILABLE')),
    })
    expect(await dialEcho(port)('again')).toMatchObject({ body: 'again' })
    expect(seen).toEqual(['0', '1', '2'])
    expect(proxy.stats()[0]!.requests).toMatchObject({ total: 1, retries: 2 })
  })

  it('are not retried for other codes, nor beyond the attempts allowed', async () => {
    let calls = 0
    const address = await startEcho((call, reply) => {
      calls++
      reply({ code: call.request.toString() === 'a' ? status.ABORTED : status.UNAVAILABLE })
    })
    const { port } = await startTestProxy('web', { ...GRPC, resolver: service([address], retryOn('UNAVAILABLE')) })
    const call = dialEcho(port)
    expect((await call('a')).error).toMatchObject({ code: status.ABORTED })
    expect(calls).toBe(1)
    expect((await call('u')).error).toMatchObject({ code: status.UNAVAILABLE })
    expect(calls).toBe(5)
  })

  it('heed an endpoint that asks not to be tried again', async () => {
    let calls = 0
    const address = await startEcho((_call, reply) => {
      calls++
      const metadata = new Metadata()
      metadata.set('grpc-retry-pushback-ms', '-1')
      reply({ code: status.UNAVAILABLE, metadata })
    })
    const { port } = await startTestProxy('web', { ...GRPC, resolver: service([address], retryOn('UNAVAILABLE')) })
    expect((await dialEcho(port)('u')).error).toMatchObject({ code: status.UNAVAILABLE })
    expect(calls).toBe(1)
  })

  it('stop being retried while too many fail', async () => {
    let calls = 0
    const address = await startEcho((_call, reply) => {
      calls++
      reply({ code: status.UNAVAILABLE })
    })
    const config = { ...retryOn('UNAVAILABLE'), retryThrottling: { maxTokens: 4, tokenRatio: 0.1 } }
    const { port } = await startTestProxy('web', { ...GRPC, resolver: service([address], config) })
    const call = dialEcho(port)
    // 4 tokens: the first failure leaves 3, the second 2, which is no more than half.
    await call('u')
    expect(calls).toBe(2)
    await call('u')
    expect(calls).toBe(3)
  })

  it('succeed although the endpoint that has them is killed, where their config allows a retry', async () => {
    const taken: unknown[] = []
    const killed = await startHttp2((stream) => void taken.push(stream))
    const good = await startEcho()
    const { port } = await startTestProxy('web', {
      ...GRPC,
      policy: 'pick_first',
      resolver: service([killed.address, good], retryOn('UNAVAILABLE')),
    })
    const call = dialEcho(port)
    const calls = Array.from({ length: 50 }, (_, i) => call(`${i}`))
    await until(() => taken.length === 50, 'all are under way')
    killed.kill()
    expect((await Promise.all(calls)).map(({ body, error }) => error?.message ?? body)).toEqual(
      Array.from({ length: 50 }, (_, i) => `${i}`),
    )
  })

  it('fail with UNAVAILABLE where it does not', async () => {
    const taken: unknown[] = []
    const killed = await startHttp2((stream) => void taken.push(stream))
    const { port } = await startTestProxy(`${killed.address},${await startEcho()}`, { ...GRPC, policy: 'pick_first' })
    const result = dialEcho(port)('lost')
    await until(() => taken.length === 1, 'it is under way')
    killed.kill()
    expect((await result).error).toMatchObject({ code: status.UNAVAILABLE })
  })

  it('have no more time than their config gives them, and are told so', async () => {
    const timeouts: string[] = []
    const silent = await startHttp2((_stream, headers) => void timeouts.push(String(headers['grpc-timeout'])))
    const config = { methodConfig: [{ name: [{}], timeout: '0.2s' }] }
    const { port } = await startTestProxy('web', { ...GRPC, resolver: service([silent.address], config) })
    expect((await dialEcho(port)('slow')).error).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    expect(timeouts).toEqual(['200m'])
  })

  it('wait for an endpoint where their config says so', async () => {
    const config = { methodConfig: [{ name: [{}], waitForReady: true }] }
    const resolver = service([], config)
    const { port, events } = await startTestProxy('web', { ...GRPC, resolver })
    let settled = false
    const result = dialEcho(port)('patient').finally(() => (settled = true))
    await until(() => events.some((event) => event.event === 'connection_error'), 'none was found')
    expect(settled).toBe(false)
    resolver.set(await startEcho(), 'web', config)
    expect(await result).toMatchObject({ body: 'patient' })
  })

  it('use up no retries that others may need while they wait', async () => {
    const config = { methodConfig: [{ name: [{}], waitForReady: true }] }
    const resolver = service(['127.0.0.1:1', '127.0.0.1:2'], config)
    const { port, proxy } = await startTestProxy('web', { ...GRPC, resolver })
    void dialEcho(port)('patient')
    await until(() => proxy.stats()[0]!.connectFailures >= 5, 'it was looked for again')
    expect(proxy.stats()[0]!.requests).toMatchObject({ active: 1, retries: 1 })
  })

  it('fail at once with UNAVAILABLE where it does not', async () => {
    const { port } = await startTestProxy('127.0.0.1:1', GRPC)
    const { error } = await dialEcho(port)('x')
    expect(error).toMatchObject({ code: status.UNAVAILABLE, details: 'no endpoint could be reached' })
  })
})
