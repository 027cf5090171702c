import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import { asFairleadError } from '../../errors.js'
import type { ClientStats, LoadBalanceRequest } from '../../protos/grpclb.js'
import type { Clock } from '../../runtime.js'
import { type LoadCounts, readClientStats } from './load-counts.js'
import { LoadTotal } from '../client-load.js'
import type { ReadableStream, StreamReading } from '../reading.js'
import { MessageBudget } from './message-budget.js'
import { readRequestedName, type RequestedService } from './request-name.js'
import type { ListSubscriber } from './service-feed.js'

export type BalanceLoadCall = ServerDuplexStream<LoadBalanceRequest, Buffer>

/** What a stream tells whom it belongs to. */
export interface ClientStreamOwner {
  readonly clock: Clock
  /** The zone of clients that do not say theirs. */
  readonly zone: string | undefined
  /** The first message to every client. */
  readonly initialResponse: Buffer
  /** The client has asked for a service: from now on lists may be offered. Throws where it cannot be had now. */
  joined(): void
  /** A list was written to the client. */
  sent(): void
  /** The client tells how its calls went in the seconds since it joined or told last. */
  reported(counts: LoadCounts, seconds: number): void
  /** The stream is over. Called once, whether or not it had joined. */
  left(): void
}

/** What is sent, by its name in metrics. */
export const LIST_TYPE = 'ServerList'
/** How long a client may take to say what it wants, milliseconds. */
const FIRST_MESSAGE_MS = 10_000
/** Clients know as many tokens of drops as there are in their lists: one. */
const MAX_DROP_TOKENS = 1000

/**
 * One client's BalanceLoad stream. At most one message is under way to the client; of the lists that come in the meantime the last
 * one counts. A client that ends its side after asking goes on being told lists; only it, or the end of the server, ends the stream.
 */
export class ClientStream implements ListSubscriber, ReadableStream {
  readonly client: string
  readonly #since: number
  readonly #load = new LoadTotal()
  #request: RequestedService | undefined
  #reportedAt = 0
  readonly #budget: MessageBudget
  readonly #cancelDeadline: () => void
  #isOver = false
  /** Also before anything was written: the initial response comes first. */
  #isWriting = true
  /** The list that the client has, or gets next. */
  #latest: Buffer | undefined
  #isDue = false

  constructor(
    private readonly call: BalanceLoadCall,
    private readonly owner: ClientStreamOwner,
  ) {
    this.client = call.getPeer()
    this.#since = owner.clock.wall()
    this.#budget = new MessageBudget(owner.clock)
    this.#cancelDeadline = owner.clock.after(
      FIRST_MESSAGE_MS,
      () => this.end(status.DEADLINE_EXCEEDED, 'no initial_request has come'),
      { keepAlive: false },
    )
    call.on('data', (request: LoadBalanceRequest) => this.#receive(request))
    call.on(
      'end',
      () => this.#request ?? this.end(status.INVALID_ARGUMENT, 'the stream ended without an initial_request'),
    )
    call.on('cancelled', () => this.#leave())
    call.on('close', () => this.#leave())
  }

  get hasJoined(): boolean {
    return this.#request !== undefined
  }

  /** What the client asked for. Not to be read before it has joined. */
  get service(): string {
    return this.#request!.service
  }

  get zone(): string | undefined {
    return this.#request?.zone ?? this.owner.zone
  }

  read(): StreamReading {
    const { client, zone } = this
    const head = { client, since: this.#since, zone, lastNack: undefined }
    if (!this.#request) return { ...head, subscriptions: [], load: [] }
    const { service } = this.#request
    return {
      ...head,
      subscriptions: [
        { type: LIST_TYPE, all: false, names: new Set([service]), version: undefined, rejection: undefined },
      ],
      load: [[service, this.#load.read()]],
    }
  }

  offer(list: Buffer): number {
    if (this.#latest?.equals(list)) return 0
    this.#latest = list
    this.#isDue = true
    this.#write()
    return list.length
  }

  /** Ends the stream with a status. Idempotent. */
  end(code: status, details: string): void {
    if (this.#isOver) return
    this.#leave()
    this.call.emit('error', Object.assign(new Error(details), { code, details }))
  }

  #receive(request: LoadBalanceRequest): void {
    if (this.#isOver) return
    if (!this.#budget.spend()) return this.end(status.RESOURCE_EXHAUSTED, 'too many messages')
    const { initial_request: initial, client_stats: stats } = request
    if (this.#request === undefined) {
      if (initial) this.#join(initial.name)
      else this.end(status.INVALID_ARGUMENT, 'the first message must be initial_request')
    } else if (initial) {
      this.end(status.INVALID_ARGUMENT, 'initial_request comes once')
    } else if (stats) {
      this.#report(stats)
    }
  }

  #join(name: string): void {
    const request = readRequestedName(name)
    if (typeof request === 'string') return this.end(status.NOT_FOUND, request)
    this.#request = request
    this.#reportedAt = this.owner.clock.now()
    this.#cancelDeadline()
    try {
      this.owner.joined()
    } catch (error) {
      this.#request = undefined
      // Before the initial response: a client that has had one comes again at once.
      return this.end(status.RESOURCE_EXHAUSTED, asFairleadError(error).message)
    }
    this.#send(this.owner.initialResponse)
  }

  #report(stats: ClientStats): void {
    if (stats.calls_finished_with_drop.length > MAX_DROP_TOKENS) {
      return this.end(status.INVALID_ARGUMENT, 'more tokens than any list has')
    }
    const now = this.owner.clock.now()
    const seconds = (now - this.#reportedAt) / 1000
    this.#reportedAt = now
    const counts = readClientStats(stats)
    this.#load.add(counts)
    this.owner.reported(counts, seconds)
  }

  #write(): void {
    if (this.#isOver || this.#isWriting || !this.#isDue) return
    this.#isDue = false
    this.owner.sent()
    this.#send(this.#latest!)
  }

  #send(message: Buffer): void {
    this.#isWriting = true
    this.call.write(message, () => {
      this.#isWriting = false
      this.#write()
    })
  }

  #leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelDeadline()
    this.owner.left()
  }
}
