import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { FairleadError } from '../../errors.js'
import { type Channel, refusalOf } from './access.js'
import { UnusableBody } from './body.js'
import { sendError } from './respond.js'
import type { Route } from './route.js'

/** What one caller can make the server hold, and for how long (milliseconds). */
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
}
/** A connection on which nothing moves for so long is closed, whatever it is in the middle of. */
const SILENCE_MS = 30_000
const MOST_CONNECTIONS = 128

/** A server for requests that come in through `channel`. It does not listen yet. */
export function createAdminServer(channel: Channel, routes: ReadonlyMap<string, Route>): Server {
  const server = createServer(LIMITS, (request, response) => {
    response.on('error', () => {})
    answer(request, response, channel, routes).catch((error: unknown) => fail(response, error))
  })
  server.timeout = SILENCE_MS
  server.maxConnections = MOST_CONNECTIONS
  server.on('clientError', refuseMalformed)
  return server
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  channel: Channel,
  routes: ReadonlyMap<string, Route>,
): Promise<void> {
  const path = /^[^?]*/.exec(request.url ?? '')![0]
  const route = routes.get(path)
  const refusal = refusalOf(request, route?.demand ?? 'read', channel)
  if (refusal) {
    const headers = { ...(refusal.status === 401 && { 'www-authenticate': 'Bearer' }), connection: 'close' }
    return sendError(response, refusal.error, refusal.status, headers)
  }
  if (!route) {
    const error = new FairleadError('NOT_FOUND', `there is no ${JSON.stringify(path)} here`, {
      hint: 'GET / lists what is',
    })
    return sendError(response, error)
  }
  const { method } = request
  if (method !== route.method && !(method === 'HEAD' && route.method === 'GET')) {
    const error = new FairleadError('INVALID_ARGUMENT', `${path} is asked for by ${route.method}, not by ${method}`)
    return sendError(response, error, 405, { allow: route.method === 'GET' ? 'GET, HEAD' : route.method })
  }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const actions = channel.kind === 'socket' ? 'open' : channel.token ? 'token' : null
  await route.answer(request, response, { actions, signal: gone.signal })
}

function fail(response: ServerResponse, error: unknown): void {
  // Cut off, so that a part is not taken for the whole.
  if (response.headersSent) return void response.destroy()
  if (error instanceof UnusableBody) return sendError(response, error.error, error.status, { connection: 'close' })
  sendError(response, error)
}

/** What is no HTTP, too long or too slow gets a last word in the form of all errors. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'the head of the request is too long']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request took too long to come']
        : ['400 Bad Request', 'the request is malformed']
  const body = `${JSON.stringify({ schemaVersion: 1, error: { code: 'INVALID_ARGUMENT', message, exit: 2 } })}\n`
  const head = [`HTTP/1.1 ${status}`, 'content-type: application/json', `content-length: ${body.length}`]
  socket.end(`${head.join('\r\n')}\r\nconnection: close\r\n\r\n${body}`)
}
