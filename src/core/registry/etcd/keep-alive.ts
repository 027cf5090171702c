import type { ILeaseKeepAliveResponse } from 'etcd3'
import { FairleadError } from '../../errors.js'
import type { Clock } from '../../runtime.js'
import type { KeepAliveHandlers } from '../store.js'
import type { Streams } from './connection.js'
import { NoAnswer } from './errors.js'

/**
 * Renews leases over one stream. `open` is called at once; what is sent meanwhile waits for it. `onEnd` gets gRPC's own
 * error, or NoAnswer where a renewal is left unanswered for `answerMs`.
 */
export class KeepAlive {
  readonly #handlers: KeepAliveHandlers
  readonly #clock: Clock
  readonly #answerMs: number
  readonly #waiting: bigint[] = []
  #stream: Streams['leaseKeepAlive'] | undefined
  #over = false
  #stopTimer: (() => void) | undefined

  constructor(
    open: () => Promise<Streams['leaseKeepAlive']>,
    handlers: KeepAliveHandlers,
    clock: Clock,
    answerMs: number,
  ) {
    this.#handlers = handlers
    this.#clock = clock
    this.#answerMs = answerMs
    open().then(
      (stream) => this.#start(stream),
      (error: Error) => this.#end(error),
    )
  }

  send(id: bigint): void {
    if (this.#over) return
    if (!this.#stream) return void this.#waiting.push(id)
    this.#stream.write({ ID: String(id) })
    this.#stopTimer ??= this.#clock.after(this.#answerMs, () => this.#end(new NoAnswer(this.#answerMs)))
  }

  close(): void {
    this.#over = true
    this.#stopTimer?.()
    this.#stream?.cancel()
  }

  #start(stream: Streams['leaseKeepAlive']): void {
    if (this.#over) return stream.cancel()
    this.#stream = stream
    stream.on('data', (response: ILeaseKeepAliveResponse) => {
      this.#stopTimer?.()
      this.#stopTimer = undefined
      if (!this.#over) this.#handlers.onAnswer(BigInt(response.ID), Math.max(0, Number(response.TTL)))
    })
    stream.on('error', (error) => this.#end(error))
    stream.on('end', () => this.#end(new FairleadError('UNAVAILABLE', 'the registry ended the renewals')))
    for (const id of this.#waiting.splice(0)) this.send(id)
  }

  #end(error: Error): void {
    if (this.#over) return
    this.close()
    this.#handlers.onEnd(error)
  }
}
