import type { Clock } from '../runtime.js'
import type { ConnectionErrorEvent } from './events.js'

const INTERVAL_MS = 1000

type Kind = ConnectionErrorEvent['kind']

/** One thing that went wrong. */
export interface ErrorReport {
  readonly kind: Kind
  readonly address?: string
  readonly reason: string
}

/**
 * Lets the first error of each kind through at once and then sums them up once a second, so that a thousand failures a
 * second neither flood the log nor go unseen.
 */
export class ErrorReports {
  readonly #clock: Clock
  readonly #emit: (report: ErrorReport, count: number) => void
  readonly #kinds = new Map<Kind, { waiting: ErrorReport | undefined; count: number; cancel: () => void }>()

  constructor(clock: Clock, emit: (report: ErrorReport, count: number) => void) {
    this.#clock = clock
    this.#emit = emit
  }

  report(report: ErrorReport): void {
    const kind = this.#kinds.get(report.kind)
    if (kind) {
      kind.waiting = report
      kind.count++
    } else {
      this.#emit(report, 1)
      this.#hold(report.kind)
    }
  }

  /** Emits what waits and stops the clock. */
  close(): void {
    for (const kind of this.#kinds.values()) {
      kind.cancel()
      if (kind.waiting) this.#emit(kind.waiting, kind.count)
    }
    this.#kinds.clear()
  }

  #hold(kind: Kind): void {
    const cancel = this.#clock.after(INTERVAL_MS, () => this.#release(kind), { keepAlive: false })
    this.#kinds.set(kind, { waiting: undefined, count: 0, cancel })
  }

  #release(kind: Kind): void {
    const { waiting, count } = this.#kinds.get(kind)!
    this.#kinds.delete(kind)
    if (!waiting) return
    this.#emit(waiting, count)
    this.#hold(kind)
  }
}
