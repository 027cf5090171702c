import { FairleadError } from '../../errors.js'
import type { ProxyEvent } from '../events.js'
import { type Calls, decodeError, type FromWorker, isMessage, type Method, type ToWorker } from './messages.js'
import type { SnapshotRelay } from './snapshot-relay.js'

/** A process that was forked. */
export interface WorkerProcess {
  /** Sends a message; `sent` is called when the process can take another, or never. Does nothing once it has ended. */
  send(message: ToWorker, sent?: () => void): void
  /** Ends it at once. Idempotent. */
  kill(): void
}

export interface ProcessObserver {
  message(message: unknown): void
  /** It has ended; nothing else comes. `reason`: how, for people. */
  exited(reason: string): void
}

/** Starts a worker process. Where that fails, `exited` is called, later. */
export type Fork = (observer: ProcessObserver) => WorkerProcess

export interface LinkObserver {
  event(event: ProxyEvent): void
  exited(reason: string): void
}

interface Call {
  resolve(result: unknown): void
  reject(error: FairleadError): void
}

/** The primary's side of one worker: calls and their answers, the services it wants to know of, what it tells. */
export class WorkerLink implements ProcessObserver {
  readonly #relay: SnapshotRelay
  readonly #observer: LinkObserver
  readonly #process: WorkerProcess
  readonly #calls = new Map<number, Call>()
  readonly #subscriptions = new Map<string, () => void>()
  /** What waits until the worker hears; undefined from then on. */
  #early: ToWorker[] | undefined = []
  #lastCall = 0
  #ended = false

  constructor(fork: Fork, relay: SnapshotRelay, observer: LinkObserver) {
    this.#relay = relay
    this.#observer = observer
    this.#process = fork(this)
  }

  /** Asks the worker for something. Rejects with its error, and with UNAVAILABLE when it ends before it answers. */
  call<M extends Method>(method: M, argument: Calls[M]): Promise<unknown> {
    if (this.#ended) return Promise.reject(new FairleadError('UNAVAILABLE', 'the worker has ended'))
    const id = ++this.#lastCall
    const answered = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }))
    this.#tell({ type: 'call', id, method, argument })
    return answered
  }

  kill(): void {
    this.#process.kill()
  }

  message(message: unknown): void {
    if (this.#ended || !isMessage(message)) return
    const told = message as FromWorker
    switch (told.type) {
      case 'ready':
        return this.#hears()
      case 'answer':
        return this.#settle(told.id)?.resolve(told.result)
      case 'failure':
        return this.#settle(told.id)?.reject(decodeError(told.error))
      case 'resolve':
        return this.#subscribe(told.service)
      case 'release':
        return this.#release(told.service)
      case 'disprove':
        return this.#relay.disprove(told.service, told.address)
      case 'event':
        return this.#observer.event(told.event)
    }
  }

  exited(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe()
    this.#subscriptions.clear()
    const error = new FairleadError('UNAVAILABLE', `the worker ended: ${reason}`)
    for (const { reject } of this.#calls.values()) reject(error)
    this.#calls.clear()
    this.#observer.exited(reason)
  }

  #hears(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const message of early) this.#process.send(message)
  }

  #tell(message: ToWorker): void {
    if (this.#early) this.#early.push(message)
    else this.#process.send(message)
  }

  #settle(id: number): Call | undefined {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    return call
  }

  #subscribe(service: string): void {
    if (this.#subscriptions.has(service)) return
    const unsubscribe = this.#relay.subscribe(service, (resolution, sent) =>
      this.#process.send({ type: 'resolution', service, resolution }, sent),
    )
    this.#subscriptions.set(service, unsubscribe)
  }

  #release(service: string): void {
    this.#subscriptions.get(service)?.()
    this.#subscriptions.delete(service)
  }
}
