import { type sendUnaryData, type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js'
import { service as definition } from 'grpc-health-check'
import type { ServiceHandlers } from '../service.js'

interface Request {
  readonly service: string
}

interface Response {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN'
}

type WatchCall = ServerWritableStream<Request, Response>

/**
 * `grpc.health.v1.Health` of a server whose services stand and fall together. What clients ask for is never kept but with
 * their streams, so that nobody can fill the memory with names.
 */
export class HealthService {
  readonly #names: ReadonlySet<string>
  /** Those who watch, and whether what they watch is one of ours. */
  readonly #watchers = new Map<WatchCall, boolean>()
  #isServing = false
  #hasEnded = false

  /** @param services the full names that can be asked for, besides the empty one, which stands for the server */
  constructor(services: readonly string[]) {
    this.#names = new Set(['', ...services])
  }

  get handlers(): ServiceHandlers {
    return {
      definition,
      implementation: {
        check: (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => this.#check(call, answer),
        watch: (call: WatchCall) => this.#watch(call),
        list: (_: unknown, answer: sendUnaryData<object>) => this.#list(answer),
      },
    }
  }

  /** Says whether the services answer. Not before the first call. */
  set(isServing: boolean): void {
    if (isServing === this.#isServing || this.#hasEnded) return
    this.#isServing = isServing
    for (const [call, isKnown] of this.#watchers) if (isKnown) call.write(this.#status)
  }

  /** Says that nothing answers any more, and ends every watch. */
  end(): void {
    this.set(false)
    this.#hasEnded = true
    for (const call of this.#watchers.keys()) endWatch(call)
    this.#watchers.clear()
  }

  get #status(): Response {
    return { status: this.#isServing ? 'SERVING' : 'NOT_SERVING' }
  }

  #check({ request }: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void {
    if (this.#names.has(request.service)) answer(null, this.#status)
    else answer({ code: status.NOT_FOUND, details: 'there is no such service' })
  }

  #watch(call: WatchCall): void {
    if (this.#hasEnded) return endWatch(call)
    const isKnown = this.#names.has(call.request.service)
    this.#watchers.set(call, isKnown)
    call.on('cancelled', () => this.#watchers.delete(call))
    call.write(isKnown ? this.#status : { status: 'SERVICE_UNKNOWN' })
  }

  #list(answer: sendUnaryData<object>): void {
    answer(null, { statuses: Object.fromEntries([...this.#names].map((name) => [name, this.#status])) })
  }
}

function endWatch(call: WatchCall): void {
  call.emit('error', { code: status.UNAVAILABLE, details: 'the server is shutting down' })
}
