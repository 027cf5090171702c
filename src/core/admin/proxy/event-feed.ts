import type { ProxyEvent } from '../../proxy/events.js'
import type { ListenerReading } from '../../proxy/reading.js'
import type { Runtime } from '../../runtime.js'
import { EndpointChanges } from './endpoint-changes.js'
import { EventLog } from '../event-log.js'
import type { ProxySource } from './source.js'

/** Events after which endpoints may be other ones. */
const CHANGING: ReadonlySet<ProxyEvent['event']> = new Set(['listening', 'endpoints', 'reloaded'])
/**
 * Milliseconds after such an event at which it is looked what has changed; the second time for workers that are slower.
 */
const LOOKS_MS = [200, 1000]

/** Follows a source: its events go into a log, and so does what became of single endpoints. */
export class EventFeed {
  readonly log: EventLog
  readonly #runtime: Runtime
  readonly #look: () => Promise<unknown>
  readonly #changes = new EndpointChanges()
  readonly #unsubscribe: () => void
  /** Of the looks that are due, by how long they wait. */
  readonly #due = new Map<number, () => void>()

  /** `look`: has the source be read, which ends in `seen`. */
  constructor(source: ProxySource, runtime: Runtime, look: () => Promise<unknown>) {
    this.log = new EventLog(runtime.clock)
    this.#runtime = runtime
    this.#look = look
    this.#unsubscribe = source.subscribe((event) => {
      this.log.add(event)
      if (CHANGING.has(event.event)) for (const ms of LOOKS_MS) this.#lookIn(ms)
    })
  }

  /** Takes in what was read, for whatever reason. */
  seen(listeners: readonly ListenerReading[]): void {
    for (const event of this.#changes.take(listeners)) this.log.add(event)
  }

  /** Idempotent. */
  close(): void {
    this.#unsubscribe()
    for (const cancel of this.#due.values()) cancel()
    this.#due.clear()
  }

  #lookIn(ms: number): void {
    if (this.#due.has(ms)) return
    const look = () => {
      this.#due.delete(ms)
      // A source that cannot be read any more has nothing new.
      this.#look().catch(() => undefined)
    }
    this.#due.set(ms, this.#runtime.clock.after(ms, look, { keepAlive: false }))
  }
}
