import type { IWatchResponse } from 'etcd3'
import { FairleadError } from '../../errors.js'
import type { Clock } from '../../runtime.js'
import type { StoreEvent, WatchBatch } from '../store.js'
import { rangeEnd, rangeStart, toEvent, toHeader } from './codec.js'
import type { Streams } from './connection.js'
import { NoAnswer, statusOfReason, WatchRefused } from './errors.js'
import { Fragments } from './fragments.js'

export interface WatchTimes {
  /** How long the registry has to confirm the watch, and to answer a progress request, milliseconds. */
  readonly answerMs: number
  /** How long a quiet watch is taken to be alive, milliseconds. */
  readonly quietMs: number
}

/**
 * Watches `prefixes` from revision `from` over a stream of its own until the stream fails: what Store.watch promises,
 * but for aborting. The errors of gRPC pass through. Cancels the stream when it ends.
 */
export async function* watchOver(
  stream: Streams['watch'],
  prefixes: readonly string[],
  from: bigint,
  clock: Clock,
  times: WatchTimes,
): AsyncGenerator<WatchBatch, never> {
  const responses = stream[Symbol.asyncIterator]() as AsyncIterator<IWatchResponse>
  const watches = new Watches(prefixes.length, from)
  try {
    for (const prefix of prefixes) stream.write({ create_request: createRequest(prefix, from) })
    for (;;) {
      const response = await nextResponse(stream, responses, watches.confirmed, clock, times)
      yield* watches.accept(response)
    }
  } finally {
    stream.cancel()
  }
}

function createRequest(prefix: string, from: bigint) {
  return {
    key: rangeStart(prefix),
    range_end: rangeEnd(prefix),
    start_revision: String(from),
    progress_notify: true,
    // What a revision changed may be larger than a message.
    fragment: true,
  }
}

/** The watches of one stream, told apart by the ids the registry gave them. */
class Watches {
  readonly #expected: number
  readonly #from: bigint
  readonly #byId = new Map<string, { next: bigint; readonly fragments: Fragments }>()
  /** Changes under one prefix may arrive before the watch on the next one is confirmed. */
  readonly #early: WatchBatch[] = []

  constructor(expected: number, from: bigint) {
    this.#expected = expected
    this.#from = from
  }

  get confirmed(): boolean {
    return this.#byId.size === this.#expected
  }

  /** The batches that `response` completes. Throws where it ends a watch. */
  accept(response: IWatchResponse): WatchBatch[] {
    if (response.canceled) throw cancellation(response, this.#from)
    const wasConfirmed = this.confirmed
    const events = response.created ? this.#create(response) : this.#advance(response)
    const batch = { ...toHeader(response.header), events, next: this.#next() }
    if (wasConfirmed) return events.length > 0 || !response.fragment ? [batch] : []
    if (!response.created) this.#early.push(batch)
    return this.confirmed ? [batch, ...this.#early.splice(0)] : []
  }

  #create(response: IWatchResponse): StoreEvent[] {
    this.#byId.set(response.watch_id, { next: this.#from, fragments: new Fragments() })
    return []
  }

  #advance(response: IWatchResponse): StoreEvent[] {
    const watch = this.#byId.get(response.watch_id)
    // The answer to a progress request bears no watch's id. It proves life, but etcd up to 3.4.24 and 3.5.7 also sends
    // it while older changes are still on their way, so that it says nothing about how far the watches have come.
    if (!watch) return []
    const events = watch.fragments.add(response.events, response.fragment).map(toEvent)
    const last = events.at(-1)
    if (last) watch.next = revisionOf(last) + 1n
    else if (!response.fragment) watch.next = maxOf(watch.next, BigInt(response.header.revision) + 1n)
    return events
  }

  #next(): bigint {
    let next: bigint | undefined
    for (const watch of this.#byId.values()) next = next === undefined || watch.next < next ? watch.next : next
    return this.confirmed && next !== undefined ? next : this.#from
  }
}

/** The next response, asking for a sign of life where none comes by itself. Fails with NoAnswer if there is none. */
function nextResponse(
  stream: Streams['watch'],
  responses: AsyncIterator<IWatchResponse>,
  confirmed: boolean,
  clock: Clock,
  { answerMs, quietMs }: WatchTimes,
): Promise<IWatchResponse> {
  return new Promise((resolve, reject) => {
    const awaitAnswer = () => clock.after(answerMs, () => reject(new NoAnswer(answerMs)))
    const askForProgress = () => {
      stream.write({ progress_request: {} })
      stopTimer = awaitAnswer()
    }
    let stopTimer = confirmed ? clock.after(quietMs, askForProgress) : awaitAnswer()
    responses.next().then(
      ({ done, value }) => {
        stopTimer()
        if (done) reject(new FairleadError('UNAVAILABLE', 'the registry ended the watch'))
        else resolve(value)
      },
      (error: unknown) => {
        stopTimer()
        reject(error as Error)
      },
    )
  })
}

function cancellation(response: IWatchResponse, from: bigint): Error {
  if (response.compact_revision !== '0') {
    return new FairleadError(
      'COMPACTED',
      `revision ${from} has been compacted: the oldest is ${response.compact_revision}`,
    )
  }
  return new WatchRefused(statusOfReason(response.cancel_reason))
}

function revisionOf(event: StoreEvent): bigint {
  return event.type === 'put' ? event.entry.modRevision : event.modRevision
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
