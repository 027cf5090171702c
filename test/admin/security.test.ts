import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { cleanUp, cleanup } from '../proxy/support.js'
import { ask, asJson, bearer, startTestAdmin, TOKEN } from './support.js'

afterEach(cleanUp)

const DRAIN = { service: 'web', address: '10.0.0.1:80', state: 'drain' }

/** What the server says to these bytes, until it closes. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  cleanup(() => socket.destroy())
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return answer
}

describe('who may ask on loopback', () => {
  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.0.0.1:80', '[::1]:9090', '127.1.2.3'])(
    'is whoever asks for %s',
    async (host) => {
      const { port } = await startTestAdmin()
      expect((await ask(port, '/state', { headers: { host } })).status).toBe(200)
    },
  )

  it.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])(
    'is not who asks for %j, as a page whose name was made to point here does',
    async (host) => {
      const { port, source } = await startTestAdmin(TOKEN)
      for (const path of ['/', '/state', '/metrics', '/events', '/config', '/healthz', '/nothing']) {
        expect((await ask(port, path, { headers: { host } })).status).toBe(403)
      }
      expect((await ask(port, '/set', asJson(DRAIN, { host, ...bearer(TOKEN) }))).status).toBe(403)
      expect(source.changes).toEqual([])
    },
  )

  it('is not who names no host', async () => {
    const { port } = await startTestAdmin()
    expect(await say(port, 'GET /state HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
    expect(await say(port, 'GET /state HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('who may change something over TCP', () => {
  it.each([
    ['no token', {}],
    ['a wrong token', bearer('a secret of another kind')],
    ['a part of the token', bearer(TOKEN.slice(0, -1))],
    ['more than the token', bearer(`${TOKEN}x`)],
    ['the token of another scheme', { authorization: `Basic ${TOKEN}` }],
    ['an empty token', { authorization: 'Bearer ' }],
  ])('is not who shows %s', async (_, headers) => {
    const { port, source } = await startTestAdmin(TOKEN)
    const answer = await ask(port, '/set', asJson(DRAIN, headers))
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
    expect(answer.json.error).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(answer.body).not.toContain('a-secret')
    expect(source.changes).toEqual([])
  })

  it('is nobody where there is no token', async () => {
    const { port, source } = await startTestAdmin()
    const answer = await ask(port, '/set', asJson(DRAIN, bearer('undefined')))
    expect(answer).toMatchObject({
      status: 403,
      json: { error: { hint: expect.stringMatching(/--admin-token-file/) } },
    })
    expect(source.changes).toEqual([])
  })

  it('is nobody who asks by anything but POST', async () => {
    const { port, source } = await startTestAdmin(TOKEN)
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await ask(port, '/set?service=web&address=10.0.0.1:80&state=drain', {
        method,
        headers: bearer(TOKEN),
      })
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    }
    expect(await ask(port, '/state', { method: 'POST' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    })
    expect(source.changes).toEqual([])
  })

  it('is nobody whose body a browser sends for any page', async () => {
    const { port, source } = await startTestAdmin(TOKEN)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain; application/json', undefined]) {
      const headers = { ...bearer(TOKEN), ...(type && { 'content-type': type }) }
      expect((await ask(port, '/set', { method: 'POST', headers, body: JSON.stringify(DRAIN) })).status).toBe(415)
    }
    expect(source.changes).toEqual([])
  })
})

describe('beyond loopback', () => {
  it('nothing listens without a token', async () => {
    await expect(startTestAdmin(undefined, '0.0.0.0')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      hint: expect.stringMatching(/--admin-token-file/),
    })
    await expect(startTestAdmin(undefined, '::')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('the token is needed to read too, but not to ask whether it is there and ready', async () => {
    const { port } = await startTestAdmin(TOKEN, '0.0.0.0')
    const headers = { host: 'fairlead.example:9090' }
    for (const path of ['/', '/state', '/metrics', '/events', '/config', '/nothing']) {
      expect((await ask(port, path, { headers })).status).toBe(401)
    }
    for (const path of ['/healthz', '/readyz']) expect((await ask(port, path, { headers })).status).toBe(200)
    const shown = { ...headers, ...bearer(TOKEN) }
    for (const path of ['/', '/state', '/metrics', '/config'])
      expect((await ask(port, path, { headers: shown })).status).toBe(200)
  })
})

describe('paths and requests that are none', () => {
  it.each([
    ...[
      '/nothing',
      '/state/',
      '//state',
      '/./state',
      '/metrics/../state',
      '/..%2f..%2fetc/passwd',
      '/../../etc/passwd',
    ],
    ...['/%73tate', '/STATE', '/constructor', '/__proto__', 'state', '*', 'http://localhost/state'],
  ])('lead nowhere: %s', async (path) => {
    const { port } = await startTestAdmin()
    const answer = await say(port, `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 (404|400) /)
    expect(answer).toMatch(/"code":"(NOT_FOUND|INVALID_ARGUMENT)"/)
  })

  it('are refused when their head is too long, or they are no HTTP', async () => {
    const { port } = await startTestAdmin()
    const long = `GET /state HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`
    expect(await say(port, long)).toMatch(/^HTTP\/1\.1 431 .*"error"/s)
    expect(await say(port, `GET /${'z'.repeat(10_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    )
    expect(await say(port, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"error"/s)
  })

  it('are refused when their body is too long, whatever they say of it', async () => {
    const { port, source } = await startTestAdmin(TOKEN)
    const body = JSON.stringify({ ...DRAIN, padding: 'x'.repeat(5000) })
    const whole = { ...asJson(DRAIN, bearer(TOKEN)), body }
    expect((await ask(port, '/set', whole)).status).toBe(413)
    const chunked = { ...whole, headers: { ...whole.headers, 'transfer-encoding': 'chunked' } }
    expect((await ask(port, '/set', chunked)).status).toBe(413)
    expect(source.changes).toEqual([])
  })

  it(
    'do not come to an end of their own: who does not finish a head or a body is told so',
    { timeout: 40_000 },
    async () => {
      const { port } = await startTestAdmin(TOKEN)
      const head = say(port, 'GET /state HTTP/1.1\r\nhost: loc')
      const begun = `POST /set HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n`
      const body = say(port, `${begun}content-type: application/json\r\ncontent-length: 100\r\n\r\n{`)
      expect(await head).toMatch(/^HTTP\/1\.1 408 .*"error"/s)
      expect(await body).toMatch(/^HTTP\/1\.1 408 .*"error"/s)
    },
  )
})
