import fc from 'fast-check'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { describeWithPeers } from '../../support/peers.js'
import { cleanUp, dial } from '../support.js'
import { turn } from './fake-wire.js'
import { collect, startJoined } from './joined.js'
import { ACCEPTED, REFUSED } from './raw-requests.js'
import { type Recorded, RecordingServer } from './recorded.js'
import { firstLine, startHaproxy, startNginx } from './web-peers.js'

afterEach(cleanUp)

/** What we let through and a peer does not, and why that is right. */
const MORE_THAN_PEERS: Readonly<Record<string, string>> = {
  'a method in lower case': 'methods are case-sensitive tokens; which exist is the endpoint’s to say',
  'OPTIONS *': 'nginx has no answer for a whole server',
  'absolute target': '"the proxy MUST ignore the received Host" (RFC 9112 §3.2.2); HAProxy refuses a different one',
  'absolute target without a path': 'likewise',
  'absolute target with a query only': 'likewise',
  'OPTIONS of a whole server': 'likewise',
}

const PATIENCE_MS = 5000
const isOk = (line: string | undefined) => line?.startsWith('HTTP/1.1 200 ') === true

describeWithPeers(['nginx', 'haproxy'], 'beside nginx and HAProxy', () => {
  it('nothing is let through that they refuse', async () => {
    const nginx = await startNginx()
    const haproxy = await startHaproxy(nginx.plainPort)
    const refusedByOne: string[] = []
    await Promise.all(
      ACCEPTED.map(async ([name, payload]) => {
        const lines = await Promise.all([nginx.port, haproxy].map((port) => firstLine(port, payload, PATIENCE_MS)))
        if (!lines.every(isOk)) refusedByOne.push(name)
      }),
    )
    expect(refusedByOne.sort()).toEqual(Object.keys(MORE_THAN_PEERS).sort())
  }, 60_000)

  it('something is refused that they let through, so that the tables tell them apart', async () => {
    const nginx = await startNginx()
    const lines = await Promise.all(
      REFUSED.filter(([, , payload]) => payload.length < 5000).map(async ([name, , payload]) => {
        return isOk(await firstLine(nginx.port, payload, PATIENCE_MS)) ? name : undefined
      }),
    )
    expect(lines).toContain('bare LF after a field')
    expect(lines).toContain('content-length in trailers')
  }, 60_000)
})

const LINES = ['POST /x HTTP/1.1', 'GET /y HTTP/1.1', 'POST /z HTTP/1.0', 'GET http://b/c HTTP/1.1'] as const
const FIELDS = [
  ...['Content-Length: 5', 'Content-Length: 005', 'Content-Length: 0', 'Transfer-Encoding: chunked'],
  ...['Transfer_Encoding: chunked', 'Connection: keep-alive', 'Connection: content-length', 'X: ', 'X:\ty \t'],
] as const
const BODIES = ['', '', 'hello', '5\r\nhello\r\n0\r\n\r\n', '05;x\r\nhello\r\n0\r\nX: 1\r\n\r\n', '0\r\n\r\n'] as const
const NOISE = ['', '', '', '', '', '', '\r\n', '\n', '\r', ' ', '\0', '0', ':'] as const

/** Requests one after the other whose fields and bodies may or may not go together, with a stray character now and then. */
const SOUP = fc
  .array(
    fc
      .tuple(
        fc.constantFrom(...LINES),
        fc.array(fc.constantFrom(...FIELDS), { maxLength: 2 }),
        fc.constantFrom(...BODIES),
        fc.constantFrom(...NOISE),
      )
      .map(([line, fields, body, noise]) => [line, 'Host: a', ...fields, '', `${body}${noise}`].join('\r\n')),
    { minLength: 1, maxLength: 4 },
  )
  .map((messages) => messages.join(''))

const reading = ({ fields, body }: Recorded) => {
  const of = (name: string) => fields.find((field) => field.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
  return { method: of(':method'), uri: of(':path'), host: of(':authority'), body }
}

describeWithPeers(['nginx'], 'before nginx', () => {
  it('every request is read as it was here', async () => {
    const nginx = await startNginx()
    const { port } = await startJoined(nginx.port)
    const samples = fc.sample(SOUP, { numRuns: 400, seed: 9110 })
    const payloads = [...ACCEPTED.map(([, payload]) => payload), ...REFUSED.map(([, , payload]) => payload), ...samples]
    let relayed = 0
    for (const payload of payloads) {
      const here = new RecordingServer()
      here.wire.receive(payload)
      for (let seen = -1; seen !== here.requests.length; await turn()) seen = here.requests.length
      const expected = here.requests.filter(({ ended }) => ended).map(reading)
      const before = nginx.requests().length
      const socket = await dial(port)
      const answer = collect(socket)
      socket.end(Buffer.from(payload, 'latin1'))
      await once(socket, 'close')
      // What a client broke off is not complete there either.
      const complete = () =>
        nginx
          .requests()
          .slice(before)
          .filter(({ status }) => status === '200')
      const known = expected.filter(({ method, uri, host }) => /^[A-Z]+$/.test(method) && uri !== '*' && host !== '')
      await eventually(() => complete().length >= known.length)
      const seen = complete().map(({ method, uri, host, body }) => ({ method, uri, host, body }))
      expect(
        seen.filter(({ host }) => !host.startsWith('127.0.0.1:')),
        JSON.stringify({ payload, answer: answer() }),
      ).toEqual(known)
      relayed += known.length
    }
    expect(relayed).toBeGreaterThan(100)
  }, 120_000)
})
