import type { Clock } from '../core/runtime.js'
import type { Board, EventLine, Section, SourceStatus } from './board.js'

/** The shortest time between two boards, milliseconds: two a second, however much happens. */
const PERIOD_MS = 500
const KEPT_EVENTS = 200

interface SourceContent {
  readonly status: SourceStatus
  readonly sections: readonly Section[]
}

const EMPTY: Board = { sources: [], sections: [], events: [], banner: '' }

/** What the live view goes by. Sources write into it whenever they like; readers hear of a new board at most twice a second. */
export class BoardStore {
  readonly #clock: Clock
  readonly #contents = new Map<string, SourceContent>()
  readonly #listeners = new Set<() => void>()
  readonly #eventKeys = new Set<string>()
  #events: EventLine[] = []
  #banner: () => string = () => ''
  #board = EMPTY
  #publishedAt = -Infinity
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What a source shows from now on. */
  put(status: SourceStatus, sections: readonly Section[]): void {
    this.#contents.set(status.name, { status, sections })
    this.#changed()
  }

  /** The source is no more. */
  remove(name: string): void {
    if (this.#contents.delete(name)) this.#changed()
  }

  /** Adds an event, unless one with its key is there. */
  tell(event: EventLine): void {
    if (this.#eventKeys.has(event.key)) return
    this.#eventKeys.add(event.key)
    const after = this.#events.findLastIndex(({ at }) => at <= event.at) + 1
    this.#events = [...this.#events.slice(0, after), event, ...this.#events.slice(after)]
    if (this.#events.length > KEPT_EVENTS) this.#eventKeys.delete(this.#events.shift()!.key)
    this.#changed()
  }

  /** Has each board carry what `banner` returns then. */
  setBanner(banner: () => string): void {
    this.#banner = banner
    this.#changed()
  }

  /** The board published last. The same object until the next. */
  readonly board = (): Board => this.#board

  /** Calls `listener` after each new board until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Publishes nothing more. Idempotent. */
  close(): void {
    this.#cancel?.()
    this.#listeners.clear()
  }

  #changed(): void {
    if (this.#cancel) return
    const wait = Math.max(0, this.#publishedAt + PERIOD_MS - this.#clock.now())
    this.#cancel = this.#clock.after(wait, () => this.#publish())
  }

  #publish(): void {
    this.#cancel = undefined
    this.#publishedAt = this.#clock.now()
    const contents = [...this.#contents.values()]
    this.#board = {
      sources: contents.map(({ status }) => status),
      sections: contents.flatMap(({ sections }) => sections),
      events: this.#events,
      banner: this.#banner(),
    }
    for (const listener of this.#listeners) listener()
  }
}
