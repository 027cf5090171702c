import { Agent as HttpAgent, type IncomingMessage, request as requestHttp, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { FairleadError, type ErrorCode } from '../../core/errors.js'
import type { Clock } from '../../core/runtime.js'
import { Fields } from '../fields.js'
import type { AdminAddress } from './address.js'

/** Ten thousand endpoints are about nine megabytes. */
const LONGEST_ANSWER = 64 << 20
const LONGEST_LINE = 1 << 20
/** The other side sends an empty line every ten seconds. */
const SILENCE_MS = 30_000

export interface AdminClientOptions {
  readonly token?: string | undefined
  /** For how long an answer may let itself be waited for, milliseconds. */
  readonly timeoutMs: number
}

/**
 * Asks an admin endpoint, over connections that it keeps. Every method rejects with UNAVAILABLE where nothing answers, UNAUTHENTICATED
 * and PERMISSION_DENIED where more is asked for, INVALID_ARGUMENT where the answer is no fairlead's, and with the reason of `signal`.
 */
export class AdminClient {
  readonly #address: AdminAddress
  readonly #options: AdminClientOptions
  readonly #clock: Clock
  readonly #agent: HttpAgent | HttpsAgent

  constructor(address: AdminAddress, options: AdminClientOptions, clock: Clock) {
    this.#address = address
    this.#options = options
    this.#clock = clock
    this.#agent = new (address.url.protocol === 'https:' ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 4 })
  }

  /** The JSON at `path`. */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#json(await this.#answer('GET', path, undefined, signal))
  }

  /** What is answered to a body of JSON. */
  async post(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    return this.#json(await this.#answer('POST', path, JSON.stringify(body), signal))
  }

  /** The lines at `path`, without those that are empty, for as long as they come. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const response = await this.#open('GET', path, undefined, signal)
    response.setTimeout(SILENCE_MS, () => response.destroy())
    response.setEncoding('utf8')
    let rest = ''
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop()!
        if (rest.length > LONGEST_LINE) throw this.#foreign('a line of it does not end')
        for (const line of lines) if (line !== '') yield line
      }
    } catch (error) {
      throw this.#failure(error, signal)
    } finally {
      response.destroy()
    }
  }

  /** Closes its connections. Idempotent. */
  close(): void {
    this.#agent.destroy()
  }

  async #answer(method: string, path: string, body: string | undefined, signal: AbortSignal): Promise<string> {
    const { timeoutMs } = this.#options
    const late = new AbortController()
    const cancel = this.#clock.after(timeoutMs, () =>
      late.abort(this.#unavailable(`nothing came within ${timeoutMs / 1000} s`)),
    )
    const either = AbortSignal.any([signal, late.signal])
    try {
      return await readText(await this.#open(method, path, body, either), () => this.#foreign('it does not end'))
    } catch (error) {
      throw this.#failure(error, either)
    } finally {
      cancel()
    }
  }

  /** Resolves with the head of a good answer. */
  #open(method: string, path: string, body: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, socketPath } = this.#address
    const { token } = this.#options
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      signal,
      ...(socketPath === undefined ? {} : { socketPath }),
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    }
    return new Promise((resolve, reject) => {
      const send = url.protocol === 'https:' ? requestHttps : requestHttp
      const request = send(new URL(`.${path}`, url), options, (response) => {
        if (response.statusCode === 200) return resolve(response)
        readText(response, () => this.#foreign('it does not end')).then(
          (text) => reject(this.#refusal(response.statusCode!, text)),
          (error: unknown) => reject(this.#failure(error, signal)),
        )
      })
      request.on('error', (error) => reject(this.#failure(error, signal)))
      request.end(body)
    })
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      throw this.#foreign('it is not JSON')
    }
  }

  /** What the other side says is wrong, in its words where they are a fairlead's. */
  #refusal(status: number, text: string): FairleadError {
    const code: ErrorCode =
      status === 401
        ? 'UNAUTHENTICATED'
        : status === 403
          ? 'PERMISSION_DENIED'
          : status === 404
            ? 'NOT_FOUND'
            : 'REFUSED'
    try {
      const error = new Fields(this.#json(text)).object('error')
      const hint = status === 401 ? 'give the token with --admin-token-file' : error.optionalText('hint')
      return new FairleadError(code, error.text('message'), hint === '' ? {} : { hint })
    } catch {
      return this.#foreign(`it is status ${status}`)
    }
  }

  #failure(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason
    if (error instanceof FairleadError) return error
    return this.#unavailable((error as Error).message, error)
  }

  #unavailable(reason: string, cause?: unknown): FairleadError {
    return new FairleadError('UNAVAILABLE', `no admin endpoint answers at ${this.#address.name}: ${reason}`, {
      cause,
      hint: 'is the proxy running, and is that its --admin address?',
    })
  }

  #foreign(why: string): FairleadError {
    const message = `what answers at ${this.#address.name} is no admin endpoint of fairlead: ${why}`
    return new FairleadError('INVALID_ARGUMENT', message, { hint: 'give the --admin address of the proxy' })
  }
}

async function readText(response: IncomingMessage, tooLong: () => FairleadError): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LONGEST_ANSWER) throw tooLong()
    chunks.push(chunk)
  }
  if (!response.complete) throw new Error('the answer was cut short')
  return Buffer.concat(chunks).toString('utf8')
}
