import type { Clock } from '../../runtime.js'
import type { ListenerReading } from '../../proxy/reading.js'
import type { ProcessLife, ProcessState } from '../process.js'
import { isoTime } from '../time.js'
import { Samples } from './samples.js'
import type { ProxySource } from './source.js'
import type { AdminState } from './state.js'
import { type ListenerInParts, viewListener } from './view.js'

/** Reads the source for whoever asks, once for all who ask at the same time. */
export class StateKeeper {
  readonly #source: ProxySource
  readonly #life: ProcessLife
  readonly #clock: Clock
  readonly #onReading: (listeners: readonly ListenerReading[]) => void
  readonly #samples = new Samples()
  #reading: Promise<readonly ListenerReading[]> | undefined

  /** `onReading` sees everything that is read. */
  constructor(
    source: ProxySource,
    life: ProcessLife,
    clock: Clock,
    onReading: (listeners: readonly ListenerReading[]) => void,
  ) {
    this.#source = source
    this.#life = life
    this.#clock = clock
    this.#onReading = onReading
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
    const windowMs = at - (before?.at ?? this.#life.startedAt.now)
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
    return this.#life.state(listeners.length > 0 && unready(listeners).length === 0, actions)
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
