import { afterEach, describe, expect, it } from 'vitest'
import type { AdminState } from '../../src/core/admin/proxy/state.js'
import { FairleadError } from '../../src/core/errors.js'
import { cleanUp } from '../proxy/support.js'
import { endpointReading, listenerReading } from '../support/readings.js'
import { ask, asJson, bearer, startTestAdmin, TOKEN } from './support.js'

afterEach(cleanUp)

const DRAIN = { service: 'web', address: '10.0.0.1:80', state: 'drain' }

describe('the admin endpoint', () => {
  it('says what there is', async () => {
    const { port } = await startTestAdmin()
    const { status, headers, json } = await ask(port, '/')
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    const paths = json['paths'] as { method: string; path: string }[]
    expect(paths.map(({ method, path }) => `${method} ${path}`)).toEqual([
      ...['GET /', 'GET /healthz', 'GET /readyz', 'GET /state', 'GET /events', 'GET /metrics', 'GET /config'],
      'POST /set',
    ])
  })

  it('shows the state as one document, however many endpoints there are', async () => {
    const { port, source } = await startTestAdmin()
    const endpoints = Array.from({ length: 1234 }, (_, i) => endpointReading(`10.0.${i >> 8}.${i & 255}:80`))
    const odd = endpointReading('"odd"', { meta: { text: '\u001b[31m"\n' } })
    source.listeners = [listenerReading(endpoints), listenerReading([odd], { service: 'b' }), listenerReading([])]
    const { status, json } = await ask(port, '/state')
    expect(status).toBe(200)
    const state = json as unknown as AdminState
    expect(state).toMatchObject({
      schemaVersion: 1,
      process: { kind: 'proxy', version: '1.2.3', pid: 42, workers: 1, ready: true, draining: false, actions: null },
    })
    expect(state.listeners.map((listener) => listener.endpoints.length)).toEqual([1234, 1, 0])
    expect(state.listeners[0]!.endpoints.map(({ address }) => address)).toEqual(endpoints.map(({ address }) => address))
    expect(state.listeners[1]).toMatchObject({ service: 'b', endpoints: [{ meta: odd.meta }] })
  })

  it('is healthy at once, and ready when every listener knows its endpoints, until it drains', async () => {
    const { port, source, admin } = await startTestAdmin()
    const unknown = { registry: { revision: undefined, changedAt: undefined, stale: undefined } }
    source.listeners = []
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    expect(await ask(port, '/readyz')).toMatchObject({ status: 503, json: { status: 'starting' } })
    source.listeners = [listenerReading([]), listenerReading([], { ...unknown, listen: 'tcp://127.0.0.1:2' })]
    const { status, json } = await ask(port, '/readyz')
    expect([status, json['unready']]).toEqual([503, ['tcp://127.0.0.1:2']])
    source.listeners = [listenerReading([])]
    expect(await ask(port, '/readyz')).toMatchObject({ status: 200, json: { status: 'ready' } })
    admin.drain()
    expect(await ask(port, '/readyz')).toMatchObject({ status: 503, json: { status: 'draining' } })
    expect((await ask(port, '/state')).json['process']).toMatchObject({ ready: false, draining: true })
  })

  it('shows the configuration', async () => {
    const { port } = await startTestAdmin()
    expect((await ask(port, '/config')).json).toEqual({ schemaVersion: 1, proxy: { listen: ['8080=web'] } })
  })

  it('answers HEAD without a body', async () => {
    const { port } = await startTestAdmin()
    expect(await ask(port, '/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    for (const path of ['/state', '/metrics', '/events']) {
      expect(await ask(port, path, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    }
  })

  it('says that nothing can be read when that is so', async () => {
    const { port, source } = await startTestAdmin()
    source.failure = new FairleadError('ABORTED', 'it has ended')
    for (const path of ['/state', '/metrics', '/readyz']) {
      expect(await ask(port, path)).toMatchObject({ status: 503, json: { error: { message: 'it has ended' } } })
    }
  })

  it('stops listening and ends what is open when it is closed, twice too', async () => {
    const { admin, port } = await startTestAdmin()
    const stream = ask(port, '/events')
    await ask(port, '/healthz')
    await Promise.all([admin.close(), admin.close()])
    await stream.catch(() => undefined)
    await expect(ask(port, '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('rejects an address that is taken, or of no machine of ours', async () => {
    const { admin, port } = await startTestAdmin()
    const taken = admin.listen({ host: '127.0.0.1', port })
    await expect(taken).rejects.toMatchObject({ code: 'ADDRESS_IN_USE', message: /127\.0\.0\.1:\d+ is in use/ })
    const { admin: other } = await startTestAdmin(TOKEN)
    const foreign = other.listen({ host: '192.0.2.1', port: 0 })
    await expect(foreign).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('setting something', () => {
  it('passes the change on and answers with the endpoint', async () => {
    const { port, source } = await startTestAdmin(TOKEN)
    const { status, json } = await ask(port, '/set', asJson({ ...DRAIN, weight: 5 }, bearer(TOKEN)))
    expect([status, json]).toEqual([
      200,
      {
        schemaVersion: 1,
        service: 'web',
        endpoint: { id: '10.0.0.1:80', address: '10.0.0.1:80', weight: 5, state: 'drain' },
      },
    ])
    expect(source.changes).toEqual([{ ...DRAIN, weight: 5 }])
  })

  it.each([
    [{ ...DRAIN, service: '.config' }, /bad service name/],
    [{ ...DRAIN, service: 7 }, /service is not a string/],
    [{ ...DRAIN, address: '0.0.0.0:80' }, /unspecified/],
    [{ ...DRAIN, address: undefined }, /address is not a string/],
    [{ ...DRAIN, state: 'gone' }, /state is none of/],
    [{ ...DRAIN, weight: 1.5 }, /weight is not a whole number/],
    [{ ...DRAIN, weight: 1001 }, /weight is not a whole number/],
    [{ ...DRAIN, state: undefined }, /nothing to set/],
    [{ ...DRAIN, meta: {} }, /unknown key "meta"/],
    [[], /not a JSON object/],
    [null, /not a JSON object/],
  ])('refuses %j', async (body, message) => {
    const { port, source } = await startTestAdmin(TOKEN)
    const { status, json } = await ask(port, '/set', asJson(body, bearer(TOKEN)))
    expect([status, json.error]).toEqual([
      400,
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    ])
    expect(source.changes).toEqual([])
  })

  it.each([
    ['NOT_FOUND', 404],
    ['CONFLICT', 409],
    ['UNAVAILABLE', 503],
    ['TIMEOUT', 504],
    ['PERMISSION_DENIED', 502],
    ['UNAUTHENTICATED', 502],
    ['INTERNAL', 500],
  ] as const)('passes on %s as %i', async (code, status) => {
    const { port, source } = await startTestAdmin(TOKEN)
    source.failure = new FairleadError(code, 'why', { hint: 'what to do' })
    const answer = await ask(port, '/set', asJson(DRAIN, bearer(TOKEN)))
    const { exitCode: exit } = source.failure
    expect(answer).toMatchObject({ status, json: { error: { code, message: 'why', hint: 'what to do', exit } } })
  })

  it('says so where nothing can be set', async () => {
    const { port, source } = await startTestAdmin(TOKEN)
    source.set = undefined
    expect(await ask(port, '/set', asJson(DRAIN, bearer(TOKEN)))).toMatchObject({ status: 404 })
    expect((await ask(port, '/state')).json['process']).toMatchObject({ actions: null })
  })
})
