import type { ServerResponse } from 'node:http'
import type { Clock } from '../../runtime.js'
import type { EventLine, EventLog } from '../event-log.js'
import { COMMON_HEADERS } from './respond.js'

export const EVENTS_TYPE = 'application/x-ndjson'

/** How much waits for a reader who does not keep up, in characters; what comes then is left out and counted. */
const MOST_WAITING = 1 << 20
/** An empty line so often tells a reader that the process is there. */
const HEARTBEAT_MS = 10_000

/**
 * Writes events to one reader until that one or `close` ends it. What the reader does not take waits here, up to a
 * limit, and not in the socket: so nothing is written to one who takes nothing, and the server's time-out for silent
 * sockets ends it.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #log: EventLog
  readonly #clock: Clock
  #waiting: string[] = []
  #size = 0
  #lost = 0
  #lastLost = 0
  #blocked = false
  #cancelHeartbeat = () => {}
  readonly #unfollow: () => void

  /** `recent`: how many past events it begins with. `ended` is called once. */
  constructor(response: ServerResponse, log: EventLog, recent: number, clock: Clock, ended: () => void) {
    this.#response = response
    this.#log = log
    this.#clock = clock
    response.writeHead(200, { ...COMMON_HEADERS, 'content-type': EVENTS_TYPE })
    response.flushHeaders()
    response.on('drain', () => this.#resume())
    this.#unfollow = log.follow(recent, (line) => this.#take(line))
    this.#beat()
    response.once('close', () => {
      this.#unfollow()
      this.#cancelHeartbeat()
      ended()
    })
  }

  /** Ends the stream in good order. */
  close(): void {
    this.#response.end()
  }

  #take({ seq, text }: EventLine): void {
    if (!this.#blocked) return this.#write(text)
    if (this.#lost === 0 && this.#size + text.length <= MOST_WAITING) {
      this.#waiting.push(text)
      this.#size += text.length
    } else {
      this.#lost++
      this.#lastLost = seq
    }
  }

  #write(text: string): void {
    this.#blocked = !this.#response.write(text)
  }

  #resume(): void {
    this.#blocked = false
    const { length } = this.#waiting
    let written = 0
    while (written < length && !this.#blocked) {
      const text = this.#waiting[written++]!
      this.#size -= text.length
      this.#write(text)
    }
    this.#waiting = this.#waiting.slice(written)
    if (this.#blocked || this.#lost === 0) return
    const text = this.#log.line(this.#lastLost, { event: 'lost', count: this.#lost })
    this.#lost = 0
    this.#write(text)
  }

  #beat(): void {
    const beat = () => {
      if (!this.#blocked) this.#write('\n')
      this.#beat()
    }
    this.#cancelHeartbeat = this.#clock.after(HEARTBEAT_MS, beat, { keepAlive: false })
  }
}
