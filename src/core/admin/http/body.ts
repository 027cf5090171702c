import type { IncomingMessage } from 'node:http'
import { FairleadError } from '../../errors.js'

/** Bytes; what can be asked for fits in a few hundred. */
const LONGEST_BODY = 4096

/** A body that is too long, or of another kind than JSON, with the HTTP status that says so. */
export class UnusableBody extends Error {
  constructor(
    readonly status: 413 | 415,
    readonly error: FairleadError,
  ) {
    super(error.message)
  }
}

/**
 * The JSON object in the body. Rejects with INVALID_ARGUMENT for what is none, and with UnusableBody. JSON has to be
 * named as content-type: a web page cannot have a browser send that to another site unasked.
 */
export async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    const error = new FairleadError('INVALID_ARGUMENT', `a body of type ${JSON.stringify(type)} is not read`, {
      hint: 'send content-type: application/json',
    })
    throw new UnusableBody(415, error)
  }
  const text = await readText(request)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new FairleadError('INVALID_ARGUMENT', 'the body is not JSON', { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new FairleadError('INVALID_ARGUMENT', 'the body is not a JSON object')
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  // What is left of a body that is too long is not waited for, but the connection has an answer to carry yet.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LONGEST_BODY) {
      throw new UnusableBody(
        413,
        new FairleadError('INVALID_ARGUMENT', `the body is longer than ${LONGEST_BODY} bytes`),
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
