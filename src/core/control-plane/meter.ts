import type { Clock } from '../runtime.js'
import { DurationCounts } from './duration-counts.js'
import type { MeterReading, ReadableStream, Spoken } from './reading.js'

/** The open streams of one protocol, and what happened on all that there were. */
export class Meter {
  /** From when a change in the registry was heard of until the last client was sent it. */
  readonly #telling = new DurationCounts()
  readonly #open = new Set<ReadableStream>()
  readonly #responses: Record<string, number>
  readonly #acks: Record<string, number>
  readonly #nacks: Record<string, number>
  #begun = 0
  #reports = 0

  /** @param types of what is sent: no others are counted */
  constructor(
    readonly protocol: Spoken,
    types: readonly string[],
    private readonly clock: Clock,
  ) {
    const zeros = Object.fromEntries(types.map((type) => [type, 0]))
    this.#responses = { ...zeros }
    this.#acks = { ...zeros }
    this.#nacks = { ...zeros }
  }

  began(stream: ReadableStream): void {
    this.#begun++
    this.#open.add(stream)
  }

  ended(stream: ReadableStream): void {
    this.#open.delete(stream)
  }

  sent(type: string): void {
    this.#responses[type]!++
  }

  answered(type: string, answer: 'ack' | 'nack'): void {
    const counts = answer === 'ack' ? this.#acks : this.#nacks
    counts[type]!++
  }

  /** A client has told how its requests went. */
  reported(): void {
    this.#reports++
  }

  /** The last client was sent what the registry was heard to say at `heardAt` (monotonic milliseconds). */
  told(heardAt: number): void {
    this.#telling.record(this.clock.now() - heardAt)
  }

  read(): MeterReading {
    return {
      protocol: this.protocol,
      open: this.#open.size,
      begun: this.#begun,
      responses: { ...this.#responses },
      acks: { ...this.#acks },
      nacks: { ...this.#nacks },
      reports: this.#reports,
      telling: this.#telling.read(),
      streams: this.#open,
    }
  }
}
