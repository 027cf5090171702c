import type { ServerResponse } from 'node:http'
import { setImmediate as turnOver } from 'node:timers/promises'
import { asFairleadError, type ErrorCode, type FairleadError } from '../../errors.js'

/** The HTTP status of an error. What is not here is 500. */
const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_ARGUMENT: 400,
  // The registry's doing: this server's own refusals have a status of their own.
  UNAUTHENTICATED: 502,
  PERMISSION_DENIED: 502,
  REFUSED: 502,
  NOT_FOUND: 404,
  NO_ENDPOINTS: 404,
  CONFLICT: 409,
  ABORTED: 503,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
}

export const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** Answers with one JSON document, `schemaVersion` in front. */
export function sendJson(
  response: ServerResponse,
  status: number,
  document: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = `${JSON.stringify({ schemaVersion: 1, ...document })}\n`
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}

/** Answers with an error, in the form that commands give it with `--json`. */
export function sendError(
  response: ServerResponse,
  error: unknown,
  status?: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  const known = asFairleadError(error)
  sendJson(response, status ?? STATUSES[known.code] ?? 500, { error: errorDocument(known) }, headers)
}

function errorDocument({ code, message, hint, exitCode }: FairleadError) {
  return { code, message, hint, exit: exitCode }
}

/**
 * Answers with a text that is made piece by piece: after each the event loop turns, and goes on only when the reader
 * has taken what there is.
 */
export async function sendPieces(
  response: ServerResponse,
  contentType: string,
  pieces: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  response.writeHead(200, { ...COMMON_HEADERS, 'content-type': contentType })
  for await (const piece of pieces) {
    if (response.destroyed) return
    if (!response.write(piece)) await roomIn(response)
    await turnOver()
  }
  response.end()
}

/** Resolves when the response takes more, or never will. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve()
    const settle = () => {
      response.off('drain', settle).off('close', settle)
      resolve()
    }
    response.on('drain', settle).on('close', settle)
  })
}
