import { Backoff } from '../../backoff.js'
import { asFairleadError, type FairleadError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { ProxyEvent } from '../events.js'
import type { WorkerConfiguration } from './messages.js'
import type { SnapshotRelay } from './snapshot-relay.js'
import { type Fork, WorkerLink } from './worker-link.js'

/** A worker that has run so long has not crashed for how it started. */
const STEADY_MS = 30_000
const RESTART = { initialMs: 500, maxMs: 30_000 }

export interface SlotObserver {
  /** What every worker is to run at this moment. */
  readonly configuration: WorkerConfiguration
  /** `starting`: before the worker listens. */
  event(slot: Slot, event: ProxyEvent, starting: boolean): void
}

/** The place of one worker: when its process ends unasked, another one takes it. */
export class Slot {
  /** From 1. */
  readonly number: number
  readonly #fork: Fork
  readonly #relay: SnapshotRelay
  readonly #runtime: Runtime
  readonly #observer: SlotObserver
  readonly #backoff: Backoff
  #link: WorkerLink | undefined
  #running = false
  #stopped = false
  #cancelRestart = () => {}

  constructor(number: number, fork: Fork, relay: SnapshotRelay, observer: SlotObserver, runtime: Runtime) {
    this.number = number
    this.#fork = fork
    this.#relay = relay
    this.#observer = observer
    this.#runtime = runtime
    this.#backoff = new Backoff(runtime.random, RESTART)
  }

  /** The worker, where it listens. */
  get running(): WorkerLink | undefined {
    return this.#running ? this.#link : undefined
  }

  /** Starts the first worker. Rejects where it cannot listen, and then has none. */
  async start(): Promise<void> {
    try {
      await this.#launch()
    } catch (error) {
      this.stop()
      throw error
    }
  }

  /** Ends the worker at once, and starts none any more. Idempotent. */
  stop(): void {
    this.#stopped = true
    this.#cancelRestart()
    this.#link?.kill()
  }

  /** From now on the end of the worker is nothing unexpected. */
  expectEnd(): void {
    this.#stopped = true
    this.#cancelRestart()
    if (!this.#running) this.#link?.kill()
  }

  async #launch(): Promise<void> {
    const { clock } = this.#runtime
    const link: WorkerLink = new WorkerLink(this.#fork, this.#relay, {
      event: (event) => this.#observer.event(this, event, this.#link !== link || !this.#running),
      exited: (reason) => this.#exited(link, reason, clock.now() - began),
    })
    const began = clock.now()
    this.#link = link
    let { configuration } = this.#observer
    await link.call('start', { configuration })
    while (configuration !== this.#observer.configuration) {
      configuration = this.#observer.configuration
      await link.call('reload', { configuration, drainTimeoutMs: 0 })
    }
    this.#running = true
  }

  #exited(link: WorkerLink, reason: string, afterMs: number): void {
    if (this.#link !== link) return
    const expected = this.#stopped || !this.#running
    this.#link = undefined
    this.#running = false
    // One that never ran is dealt with by who launched it.
    if (!expected) this.#restart(reason, afterMs)
  }

  #restart(reason: string, afterMs: number): void {
    if (this.#stopped) return
    if (afterMs >= STEADY_MS) this.#backoff.reset()
    const delayMs = Math.round(this.#backoff.next())
    this.#observer.event(this, { event: 'worker_exited', worker: this.number, reason, restartMs: delayMs }, false)
    this.#cancelRestart = this.#runtime.clock.after(delayMs, () => {
      const began = this.#runtime.clock.now()
      this.#launch().then(
        () => this.#observer.event(this, { event: 'worker_started', worker: this.number }, false),
        (error: unknown) => this.#failedToStart(asFairleadError(error), this.#runtime.clock.now() - began),
      )
    })
  }

  #failedToStart(error: FairleadError, afterMs: number): void {
    this.#link?.kill()
    this.#link = undefined
    this.#restart(error.message, afterMs)
  }
}
