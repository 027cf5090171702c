import type { Clock } from '../runtime.js'
import type { ListenerReading } from '../proxy/reading.js'
import { Samples } from './samples.js'
import type { AdminSource } from './source.js'
import type { AdminState, ProcessState } from './state.js'
import { isoTime, type ListenerInParts, viewListener } from './view.js'

/** What does not change while the process runs. */
export interface ProcessFacts {
  readonly version: string
  readonly pid: number
}

/** Reads the source for whoever asks, once for all who ask at the same time. */
export class StateKeeper {
  /** The process is coming to its end. */
  draining = false
  readonly #source: AdminSource
  readonly #facts: ProcessFacts
  readonly #clock: Clock
  readonly #startedAt: { readonly wall: number; readonly now: number }
  readonly #onReading: (listeners: readonly ListenerReading[]) => void
  readonly #samples = new Samples()
  #reading: Promise<readonly ListenerReading[]> | undefined

  /** `onReading` sees everything that is read. */
  constructor(
    source: AdminSource,
    facts: ProcessFacts,
    clock: Clock,
    onReading: (listeners: readonly ListenerReading[]) => void,
  ) {
    this.#source = source
    this.#facts = facts
    this.#clock = clock
    this.#onReading = onReading
    this.#startedAt = { wall: clock.wall(), now: clock.now() }
  }

  /** Rejects with what the source does. */
  read(): Promise<readonly ListenerReading[]> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  /** The state without its listeners, and what makes the view of each listener of it. */
  async state(actions: ProcessState['actions']): Promise<StateInParts> {
    const listeners = await this.read()
    const at = this.#clock.now()
    const of = String([...new Set(listeners.flatMap(({ pids }) => pids))])
    const before = this.#samples.baseline(at, of)
    this.#samples.add({ at, listeners, of })
    const windowMs = at - (before?.at ?? this.#startedAt.now)
    const earlier = new Map(before?.listeners.map((listener) => [keyOf(listener), listener]))
    return {
      head: {
        schemaVersion: 1,
        time: isoTime(this.#clock.wall()),
        process: this.process(listeners, actions),
        windowMs: Math.round(windowMs),
      },
      listeners: listeners.map((listener) => () => viewListener(listener, earlier.get(keyOf(listener)), windowMs)),
    }
  }

  process(listeners: readonly ListenerReading[], actions: ProcessState['actions']): ProcessState {
    const { version, pid } = this.#facts
    return {
      ...{ kind: 'proxy', version, pid, workers: this.#source.workers },
      startedAt: isoTime(this.#startedAt.wall),
      uptimeMs: Math.round(this.#clock.now() - this.#startedAt.now),
      ready: !this.draining && listeners.length > 0 && unready(listeners).length === 0,
      draining: this.draining,
      actions,
    }
  }

  async #read(): Promise<readonly ListenerReading[]> {
    const listeners = await this.#source.read()
    this.#onReading(listeners)
    return listeners
  }
}

export interface StateInParts {
  readonly head: Omit<AdminState, 'listeners'>
  /** Worked out one at a time, so that many of them do not hold the event loop. */
  readonly listeners: readonly (() => ListenerInParts)[]
}

/** Listeners that do not know the endpoints of their service yet. */
export function unready(listeners: readonly ListenerReading[]): readonly ListenerReading[] {
  return listeners.filter(({ registry }) => registry.revision === undefined)
}

function keyOf({ listen, service }: ListenerReading): string {
  return `${listen} ${service}`
}
