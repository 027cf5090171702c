import { Tally, type TallyRow } from './tally.js'
import type { LoadReport } from './load-report.js'

/** Everything a view shows of a running demo, at one moment. */
export interface DemoView {
  readonly service: string
  /** Of the proxy's process; undefined until it listens. */
  readonly proxyPid: number | undefined
  /** Since the start of it all, milliseconds. */
  readonly elapsedMs: number
  /** How long the load has lasted and is to last, milliseconds. */
  readonly loadMs: number
  readonly durationMs: number
  readonly requests: number
  readonly failed: number
  /** Requests a second, recently. */
  readonly rate: number
  readonly endpoints: readonly TallyRow[]
  /** Oldest first. */
  readonly events: readonly DemoEvent[]
}

export interface DemoEvent {
  /** Since the start, milliseconds. */
  readonly atMs: number
  /** One word: what happened. */
  readonly kind: string
  readonly text: string
}

const KEPT_EVENTS = 50

/** What is known of the demo so far. Told by the stage, read by the views. */
export class DemoState {
  /** Of the proxy's process; undefined until it listens. */
  proxyPid: number | undefined
  readonly #tally = new Tally()
  readonly #events: DemoEvent[] = []
  readonly #onEvent: (event: DemoEvent) => void
  readonly #elapsed: () => number
  readonly #durationMs: number
  #loadStartedAt: number | undefined
  #failureSeen = false

  constructor(
    readonly service: string,
    durationMs: number,
    elapsed: () => number,
    onEvent: (event: DemoEvent) => void,
  ) {
    this.#durationMs = durationMs
    this.#elapsed = elapsed
    this.#onEvent = onEvent
  }

  /** Adds a line to the story. */
  tell(kind: string, text: string): void {
    const event = { atMs: this.#elapsed(), kind, text }
    this.#events.push(event)
    if (this.#events.length > KEPT_EVENTS) this.#events.shift()
    this.#onEvent(event)
  }

  loadStarted(): void {
    this.#loadStartedAt = this.#elapsed()
  }

  addEndpoint(address: string, weight: number): void {
    this.#tally.add(address, weight)
  }

  /** The endpoint takes part from now on. */
  enter(address: string): void {
    this.#tally.enter(address)
  }

  /** The endpoint is on its way out. */
  leave(address: string): void {
    this.#tally.leave(address)
  }

  record(report: LoadReport): void {
    this.#tally.record(report)
    if (this.#failureSeen || this.#tally.failed === 0) return
    this.#failureSeen = true
    this.tell('failed', report.error ?? 'a request was answered by an unknown endpoint')
  }

  view(): DemoView {
    return {
      service: this.service,
      proxyPid: this.proxyPid,
      elapsedMs: this.#elapsed(),
      loadMs: this.#loadStartedAt === undefined ? 0 : this.#elapsed() - this.#loadStartedAt,
      durationMs: this.#durationMs,
      requests: this.#tally.requests,
      failed: this.#tally.failed,
      rate: this.#tally.rate,
      endpoints: this.#tally.rows(),
      events: [...this.#events],
    }
  }
}
