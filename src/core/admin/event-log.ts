import type { Clock } from '../runtime.js'
import type { AdminEventHead, LostEvent } from './events.js'
import { isoTime } from './time.js'

/** Events that are kept for readers to come. */
export const KEPT_EVENTS = 200

/** One event as a line of JSON, and where it is in the order of all. */
export interface EventLine {
  readonly seq: number
  readonly text: string
}

/** What has no seq and no time yet. */
interface News {
  readonly event: string
}

/** Numbers events, keeps the last of them, and passes them on to whoever follows. */
export class EventLog {
  readonly #clock: Clock
  readonly #kept: EventLine[] = []
  readonly #followers = new Set<(line: EventLine) => void>()
  #seq = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(news: News): void {
    const line = { seq: ++this.#seq, text: this.line(this.#seq, news) }
    this.#kept.push(line)
    if (this.#kept.length > KEPT_EVENTS) this.#kept.shift()
    for (const follower of this.#followers) follower(line)
  }

  /** Calls `follower` with the last `recent` events at once, and with each to come. Returns what ends it. */
  follow(recent: number, follower: (line: EventLine) => void): () => void {
    for (const line of recent > 0 ? this.#kept.slice(-recent) : []) follower(line)
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  /** A line of its own for one reader. */
  line(seq: number, event: News | LostEvent): string {
    const whole: AdminEventHead & (News | LostEvent) = {
      schemaVersion: 1,
      seq,
      time: isoTime(this.#clock.wall()),
      ...event,
    }
    return `${JSON.stringify(whole)}\n`
  }
}
