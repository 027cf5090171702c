import type { ServerResponse } from 'node:http'
import { FairleadError } from '../../errors.js'
import type { Clock } from '../../runtime.js'
import type { EventLog } from '../event-log.js'
import { EventStream } from './event-stream.js'

/** Readers of events at the same time: each may have some memory for what it does not take. */
const MOST_STREAMS = 32

/** All who read events. */
export class EventStreams {
  readonly #log: EventLog
  readonly #clock: Clock
  readonly #open = new Set<EventStream>()

  constructor(log: EventLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Throws UNAVAILABLE. */
  open(response: ServerResponse, recent: number): void {
    if (this.#open.size >= MOST_STREAMS) {
      throw new FairleadError('UNAVAILABLE', `${MOST_STREAMS} others read events already`)
    }
    const stream = new EventStream(response, this.#log, recent, this.#clock, () => void this.#open.delete(stream))
    this.#open.add(stream)
  }

  close(): void {
    for (const stream of this.#open) stream.close()
  }
}
