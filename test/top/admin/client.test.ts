import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/core/runtime.js'
import { parseAdminAddress } from '../../../src/top/admin/address.js'
import { AdminClient } from '../../../src/top/admin/client.js'

const { signal } = new AbortController()

function clientOf(address: string, timeoutMs = 5000, token?: string): AdminClient {
  const client = new AdminClient(parseAdminAddress(address), { timeoutMs, token }, systemClock)
  onTestFinished(() => client.close())
  return client
}

async function serve(listener: RequestListener, path?: string): Promise<string> {
  const server = createServer(listener)
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(path ?? { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  return path ?? `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('AdminClient', () => {
  it('asks over TCP and over a socket, with the token where there is one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-top-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (const path of [undefined, join(folder, 'a.sock')]) {
      const address = await serve(({ url, headers }, response) => {
        response.end(JSON.stringify({ url, token: headers.authorization ?? null }))
      }, path)
      expect(await clientOf(address).get('/state', signal)).toEqual({ url: '/state', token: null })
      expect(await clientOf(address, 5000, 'abc').get('/x?y=1', signal)).toEqual({ url: '/x?y=1', token: 'Bearer abc' })
    }
  })

  it('keeps the path of a URL', async () => {
    const address = await serve(({ url }, response) => response.end(JSON.stringify(url)))
    expect(await clientOf(`http://${address}/below`).get('/state', signal)).toBe('/below/state')
  })

  it('posts JSON', async () => {
    const address = await serve((request, response) => {
      request.pipe(response.setHeader('x', request.headers['content-type']!))
    })
    expect(await clientOf(address).post('/set', { weight: 3 }, signal)).toEqual({ weight: 3 })
  })

  it('yields lines as they come, whatever the pieces, and none that are empty', async () => {
    const address = await serve((_request, response) => {
      response.write('{"a":1}\n\n{"b"')
      setImmediate(() => response.end(':"ü"}\n'))
    })
    const lines: string[] = []
    for await (const line of clientOf(address).lines('/events', signal)) lines.push(line)
    expect(lines).toEqual(['{"a":1}', '{"b":"ü"}'])
  })

  it.each([
    [401, 'UNAUTHENTICATED', /--admin-token-file/],
    [403, 'PERMISSION_DENIED', /ask nicely/],
    [404, 'NOT_FOUND', /ask nicely/],
    [502, 'REFUSED', /ask nicely/],
  ])('passes on what a %i says', async (status, code, hint) => {
    const error = { code: 'X', message: 'not you', hint: 'ask nicely', exit: 1 }
    const address = await serve((_request, response) => response.writeHead(status).end(JSON.stringify({ error })))
    await expect(clientOf(address).get('/state', signal)).rejects.toMatchObject({
      ...{ code, message: 'not you' },
      hint: expect.stringMatching(hint),
    })
  })

  it.each([
    ['what is not JSON', (_: unknown, response: { end(text: string): void }) => response.end('<html>')],
    ['an error page', (_: unknown, response: Parameters<RequestListener>[1]) => response.writeHead(500).end('oops')],
  ])('knows %s for another program', async (_what, listener) => {
    await expect(clientOf(await serve(listener)).get('/state', signal)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('is no admin endpoint of fairlead'),
    })
  })

  it('says that nothing answers: nobody there, broken off, or silent', async () => {
    const unavailable = { code: 'UNAVAILABLE', message: expect.stringContaining('no admin endpoint answers at') }
    await expect(clientOf('127.0.0.1:1').get('/state', signal)).rejects.toMatchObject(unavailable)
    const broken = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy())
    })
    await expect(clientOf(broken).get('/state', signal)).rejects.toMatchObject(unavailable)
    const silent = await serve(() => {})
    await expect(clientOf(silent, 50).get('/state', signal)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('nothing came within 0.05 s'),
    })
  })

  it('ends at once when it is told to', async () => {
    const address = await serve(() => {})
    const stop = new AbortController()
    const asked = clientOf(address).get('/state', stop.signal)
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })
})
