import { Backoff } from '../../core/backoff.js'
import { asFairleadError, type FairleadError } from '../../core/errors.js'
import { type Runtime, sleep } from '../../core/runtime.js'
import type { Section, SourceStatus } from '../board.js'
import type { BoardStore } from '../board-store.js'
import { readEvent } from '../event-line.js'
import type { Change } from '../keys.js'
import { proxySections } from '../proxy-sections.js'
import { readState } from '../report.js'
import type { Source } from '../source.js'
import { TrendBook } from '../trends.js'
import type { AdminClient } from './client.js'

/** Between two readings of the state, milliseconds. */
const POLL_MS = 500
/** Reading may take one part in so many of the time. */
const REST = 20
const BACKOFF = { initialMs: 500, maxMs: 5000 }
/** How many past events are asked for. */
const RECENT = 100

/** Follows one proxy: reads its state twice a second, seldomer where that is much to read, and hears its events. */
export class ProxySource implements Source {
  readonly name: string
  readonly ready: Promise<void>
  readonly #client: AdminClient
  readonly #store: BoardStore
  readonly #runtime: Runtime
  readonly #stop = new AbortController()
  readonly #book = new TrendBook()
  #sections: readonly Section[] = []
  #process = ''

  constructor(name: string, client: AdminClient, store: BoardStore, runtime: Runtime) {
    this.name = name
    this.#client = client
    this.#store = store
    this.#runtime = runtime
    store.put(this.#status('connecting'), [])
    this.ready = this.#poll().then(() => undefined)
    void this.ready.catch(() => {}).then(() => this.#pollOn())
    void this.#hear()
  }

  async change({ service, address, to }: Change): Promise<void> {
    await this.#client.post('/set', { service, address, ...to }, this.#stop.signal)
  }

  close(): void {
    this.#stop.abort()
    this.#client.close()
    this.#store.remove(this.name)
  }

  async #pollOn(): Promise<void> {
    const { clock, random } = this.#runtime
    const { signal } = this.#stop
    const backoff = new Backoff(random, BACKOFF)
    let wait = POLL_MS
    while (await sleep(clock, wait, signal).then(yes, no)) {
      try {
        const spent = await this.#poll()
        wait = Math.max(POLL_MS, spent * REST)
        backoff.reset()
      } catch {
        wait = POLL_MS + backoff.next()
      }
    }
  }

  /** Reads the state once. Resolves with the milliseconds that took of this process's time. Rejects where it could not be read. */
  async #poll(): Promise<number> {
    const { clock } = this.#runtime
    try {
      const json = await this.#client.get('/state', this.#stop.signal)
      const begun = clock.now()
      const state = readState(json)
      if (this.#process !== state.process) this.#book.keep(new Set())
      this.#process = state.process
      const status = this.#status('live')
      this.#sections = proxySections(status, state, this.#book, begun)
      this.#store.put(status, this.#sections)
      return clock.now() - begun
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#lost(asFairleadError(error))
      throw error
    }
  }

  /** What was known last is still shown. */
  #lost(error: FairleadError): void {
    const status = this.#status('away', error.message)
    this.#sections = this.#sections.map((section) => ({ ...section, source: status }))
    this.#store.put(status, this.#sections)
  }

  async #hear(): Promise<void> {
    const { clock, random } = this.#runtime
    const { signal } = this.#stop
    const backoff = new Backoff(random, BACKOFF)
    while (!signal.aborted) {
      try {
        for await (const line of this.#client.lines(`/events?recent=${RECENT}`, signal)) {
          backoff.reset()
          const event = readEvent(JSON.parse(line))
          if (event) this.#store.tell(event)
        }
      } catch {
        // The state tells what is wrong; events come again with the proxy.
      }
      await sleep(clock, POLL_MS + backoff.next(), signal).catch(no)
    }
  }

  #status(state: SourceStatus['state'], reason = ''): SourceStatus {
    return { name: this.name, state, reason }
  }
}

const yes = () => true
const no = () => false
