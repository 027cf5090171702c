import type { Clock } from '../runtime.js'
import { isoTime } from './time.js'

/** The process that answers: the same for every kind. Plain JSON. */
export interface ProcessState {
  readonly kind: 'proxy' | 'serve'
  readonly version: string
  readonly pid: number
  readonly startedAt: string
  readonly uptimeMs: number
  /** Processes that share the listeners; figures are of all together. */
  readonly workers: number
  /** Whether it knows what it needs, and is not coming to its end. */
  readonly ready: boolean
  readonly draining: boolean
  /** Whether drain, ready and weight can be set here (POST /set); null: not at all. `token`: with one. */
  readonly actions: 'open' | 'token' | null
}

/** What does not change while the process runs. */
export interface ProcessFacts extends Pick<ProcessState, 'kind' | 'workers'> {
  readonly version: string
  readonly pid: number
}

/** How far the process has come in its life. */
export class ProcessLife {
  /** It is coming to its end. */
  draining = false
  /** When it started, by both clocks. */
  readonly startedAt: { readonly wall: number; readonly now: number }
  readonly #facts: ProcessFacts
  readonly #clock: Clock

  constructor(facts: ProcessFacts, clock: Clock) {
    this.#facts = facts
    this.#clock = clock
    this.startedAt = { wall: clock.wall(), now: clock.now() }
  }

  /** `known`: whether the process knows what it needs. */
  state(known: boolean, actions: ProcessState['actions']): ProcessState {
    const { kind, version, pid, workers } = this.#facts
    return {
      ...{ kind, version, pid, workers },
      startedAt: isoTime(this.startedAt.wall),
      uptimeMs: Math.round(this.#clock.now() - this.startedAt.now),
      ready: !this.draining && known,
      draining: this.draining,
      actions,
    }
  }
}
