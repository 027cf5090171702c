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
    this.#kept.push(this.#tell(news))
    if (this.#kept.length > KEPT_EVENTS) this.#kept.shift()
  }

  /** Tells those who follow now, and keeps nothing for others. */
  pass(news: News): void {
    if (this.#followers.size > 0) this.#tell(news)
  }

  /** Calls `follower` with the last `recent` events at once, and with each to come. Returns what ends it. */
  follow(recent: number, follower: (line: EventLine) => void): () => void {
    for (const line of recent > 0 ? this.#kept.slice(-recent) : []) follower(line)
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  #tell(news: News): EventLine {
    const line = { seq: ++this.#seq, text: this.line(this.#seq, news) }
    for (const follower of this.#followers) follower(line)
    return line
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
