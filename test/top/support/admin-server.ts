import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { AdminState } from '../../../src/core/admin/proxy/state.js'

export interface FakeAdmin {
  /** `127.0.0.1:PORT` */
  readonly address: string
  /** What GET /state answers; a number: that status, without a word. */
  state: AdminState | number
  /** What came in, `METHOD PATH`. */
  readonly requests: string[]
  /** Bodies and tokens of what was posted. */
  readonly posted: { readonly body: unknown; readonly authorization: string | undefined }[]
  /** Sends an event to every reader. */
  tell(event: object): void
  /** Stops listening and breaks every connection off. */
  close(): void
}

/** An admin endpoint that says what the test has it say. Closed when the test ends. */
export async function startFakeAdmin(state: AdminState, port = 0): Promise<FakeAdmin> {
  const readers = new Set<ServerResponse>()
  const admin: FakeAdmin = {
    address: '',
    state,
    requests: [],
    posted: [],
    tell: (event) => readers.forEach((reader) => reader.write(`${JSON.stringify({ schemaVersion: 1, ...event })}\n`)),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  const server = createServer((request, response) => {
    admin.requests.push(`${request.method} ${request.url}`)
    void answer(admin, readers, request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(admin.close)
  return Object.assign(admin, { address: `127.0.0.1:${(server.address() as AddressInfo).port}` })
}

async function answer(
  admin: FakeAdmin,
  readers: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url!.startsWith('/events')) {
    response.flushHeaders()
    readers.add(response)
    response.on('close', () => readers.delete(response))
  } else if (request.url === '/set') {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { authorization } = request.headers
    const body = JSON.parse(text) as { readonly weight?: number }
    admin.posted.push({ body, authorization })
    if (authorization === undefined) {
      const error = { code: 'UNAUTHENTICATED', message: 'the token is missing or wrong', exit: 5 }
      response.writeHead(401).end(JSON.stringify({ schemaVersion: 1, error }))
    } else {
      response.end('{"schemaVersion":1}')
    }
  } else if (typeof admin.state === 'number') {
    response.writeHead(admin.state).end()
  } else {
    response.end(JSON.stringify(admin.state))
  }
}
